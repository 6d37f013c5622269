#include "room/room_command.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

using Kind = RoomCommand::Kind;

struct Row {
  absl::string_view word;
  Kind kind;
  bool has_target;
  absl::string_view usage;
};

constexpr Row kCommands[] = {
    {"to", Kind::kTo, true, "/to NAME TEXT"},
    {"kick", Kind::kKick, true, "/kick NAME [WHY]"},
    {"ban", Kind::kBan, true, "/ban NAME|ADDRESS [MINUTES] [WHY]"},
    {"unban", Kind::kUnban, true, "/unban NAME|ADDRESS"},
    {"bans", Kind::kBans, false, "/bans"},
};

absl::Status Expected(absl::string_view usage) { return absl::InvalidArgumentError(absl::StrCat("expected: ", usage)); }

// Takes the next word off the front, and the blanks around it.
absl::string_view TakeWord(absl::string_view& rest) {
  rest = absl::StripLeadingAsciiWhitespace(rest);
  const absl::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  rest = absl::StripLeadingAsciiWhitespace(rest);
  return word;
}

// The word behind the slash; empty if this is a text.
absl::string_view CommandWord(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "/")) return "";
  const absl::string_view word = text.substr(0, text.find(' '));
  return std::all_of(word.begin(), word.end(), absl::ascii_isalpha) ? word : "";
}

// A word of digits behind the name is a time; anything else begins the reason.
bool TakeMinutes(RoomCommand& command) {
  absl::string_view rest = command.text;
  const absl::string_view word = TakeWord(rest);
  if (word.empty() || !std::all_of(word.begin(), word.end(), absl::ascii_isdigit)) return true;
  command.text = rest;
  return absl::SimpleAtoi(word, &command.minutes) && command.minutes >= 1 && command.minutes <= kMaxBanMinutes;
}

}  // namespace

absl::StatusOr<RoomCommand> ParseRoomCommand(absl::string_view text) {
  const absl::string_view word = CommandWord(text);
  if (word.empty()) return RoomCommand{.text = text, .line = text};
  const std::string lower = absl::AsciiStrToLower(word);
  const Row* const row =
      std::find_if(std::begin(kCommands), std::end(kCommands), [&lower](const Row& one) { return one.word == lower; });
  if (row == std::end(kCommands)) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no command /", word, "; to say it, put a blank in front of it"));
  }
  RoomCommand command{
      .kind = row->kind, .text = absl::StripAsciiWhitespace(text.substr(1 + word.size())), .line = text};
  if (row->has_target) command.target = TakeWord(command.text);
  if (command.target.empty() == row->has_target) return Expected(row->usage);
  const bool takes_text = row->kind == Kind::kTo || row->kind == Kind::kKick || row->kind == Kind::kBan;
  if (!takes_text && !command.text.empty()) return Expected(row->usage);
  if (row->kind == Kind::kTo && command.text.empty()) return Expected(row->usage);
  if (row->kind == Kind::kBan && !TakeMinutes(command)) {
    return absl::InvalidArgumentError(absl::StrCat("a ban lasts 1 to ", kMaxBanMinutes, " minutes"));
  }
  return command;
}

}  // namespace polyserve
