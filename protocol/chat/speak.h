// Speak: what a C command of either dialect does: says a text in the room, or carries out a command that stands in its
// place (room/room_command.h).
#ifndef POLYSERVE_PROTOCOL_CHAT_SPEAK_H_
#define POLYSERVE_PROTOCOL_CHAT_SPEAK_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "room/room.h"

namespace polyserve {

// The member has joined. Does not block; what the room answers to a command comes as mail. `may_moderate` is called
// only for commands that need it. Errors, each a sentence for the peer:
//   InvalidArgument    neither a text (CheckText()) nor a command
//   PermissionDenied   the member may not moderate the room
absl::Status Speak(absl::string_view text, absl::FunctionRef<bool()> may_moderate, Member& member);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_CHAT_SPEAK_H_
