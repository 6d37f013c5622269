// RoomCommand: what a member or the operator may type instead of a text for all:
//
//   /to NAME TEXT                           private words: only that member receives them
//   /kick NAME [WHY]                        disconnects a member
//   /ban NAME|ADDRESS [MINUTES] [WHY]       the same, and refuses the name or the address for that time
//   /unban NAME|ADDRESS                     ends a ban
//   /bans                                   lists the bans
//
// A text is a command if it begins with a slash and a word of ASCII letters, so that "/etc/hosts" is a text. A blank in
// front of the slash makes a text of a command. A word that is none of these is an error: a misspelt "/to" must not be
// said to all. The words may have capital letters.
#ifndef POLYSERVE_ROOM_ROOM_COMMAND_H_
#define POLYSERVE_ROOM_ROOM_COMMAND_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

constexpr int kUsualBanMinutes = 60;
constexpr int kMaxBanMinutes = 366 * 24 * 60;

// Refers to the text that it was parsed from.
struct RoomCommand {
  enum class Kind : uint8_t { kSay, kTo, kKick, kBan, kUnban, kBans };

  Kind kind = Kind::kSay;
  absl::string_view target = {};  // The name or the address; empty for kSay and kBans.
  absl::string_view text = {};    // What is to be said, or why a member is put out; only the latter may be empty.
  int minutes = kUsualBanMinutes;
  absl::string_view line = {};  // All of it.

  // Whether it needs the right to moderate the room.
  bool is_moderation() const { return kind != Kind::kSay && kind != Kind::kTo; }
};

// `text` has passed CheckText(). InvalidArgument: it begins like a command, and is none; the message says what is
// expected.
absl::StatusOr<RoomCommand> ParseRoomCommand(absl::string_view text);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_ROOM_COMMAND_H_
