#include "protocol/chat/speak.h"

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "room/room_command.h"

namespace polyserve {

absl::Status Speak(absl::string_view text, absl::FunctionRef<bool()> may_moderate, Member& member) {
  if (absl::Status status = CheckText(text); !status.ok()) return status;
  if (!absl::StartsWith(text, "/")) {  // Most texts: nothing to parse.
    member.Say(text);
    return absl::OkStatus();
  }
  const absl::StatusOr<RoomCommand> command = ParseRoomCommand(text);
  if (!command.ok()) return command.status();
  if (command->is_moderation() && !may_moderate()) {
    return absl::PermissionDeniedError("that is for users with the right 'admin', and the operator");
  }
  // The room parses it once more: it may be in another process, and this costs less than a form of its own on the way.
  member.Execute(text);
  return absl::OkStatus();
}

}  // namespace polyserve
