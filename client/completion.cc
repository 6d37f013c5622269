#include "client/completion.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/printable.h"
#include "client/command.h"
#include "client/format.h"

namespace polyserve {

namespace {

constexpr absl::string_view kAs = " as ";
// More than a screen of them is no help.
constexpr size_t kMostChoices = 200;

struct TypedLine {
  const CommandInfo* command = nullptr;  // Null while the first word is being typed, and if it is no command.
  absl::string_view word;
  absl::string_view rest;
};

TypedLine Split(absl::string_view typed) {
  typed = absl::StripLeadingAsciiWhitespace(typed);
  const size_t space = typed.find(' ');
  if (space == absl::string_view::npos) return {nullptr, typed, ""};
  const absl::string_view word = typed.substr(0, space);
  const absl::Span<const CommandInfo> commands = AllCommands();
  const auto command =
      absl::c_find_if(commands, [word](const CommandInfo& info) { return word == info.word || word == info.habit; });
  return {command == commands.end() ? nullptr : &*command, word,
          absl::StripLeadingAsciiWhitespace(typed.substr(space))};
}

// How many bytes of the first one all of them begin with. Whole characters: a continuation byte of UTF-8 is never the
// first of what is left.
size_t CommonBytes(absl::Span<const std::string> texts) {
  size_t common = texts[0].size();
  for (const std::string& text : texts) {
    const auto [end, other_end] =
        std::mismatch(texts[0].begin(), texts[0].begin() + static_cast<ptrdiff_t>(common), text.begin(), text.end());
    common = static_cast<size_t>(end - texts[0].begin());
  }
  const auto continues_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  while (common > 0 && common < texts[0].size() && continues_character(texts[0][common])) --common;
  return common;
}

// What to add to the first `typed_bytes` of each choice; `end` goes behind a choice that is certain.
Completion Complete(std::vector<std::string> choices, size_t typed_bytes, absl::string_view end) {
  if (choices.empty()) return {};
  std::string insert = choices[0].substr(typed_bytes, std::max(CommonBytes(choices), typed_bytes) - typed_bytes);
  if (choices.size() == 1) return {absl::StrCat(insert, end), {}};
  if (insert.empty()) return {"", std::move(choices)};
  return {std::move(insert), {}};
}

// Whether the prompt takes the name for what it is, behind a quote or without one.
bool CanBeTyped(const std::string& name, Command::Verb verb, bool is_quoted) {
  if (Printable(name) != name) return false;
  if (is_quoted) return !absl::StrContains(name, '"');
  return !absl::StartsWith(name, "\"") && absl::StripAsciiWhitespace(name) == name &&
         !(verb == Command::Verb::kGet && absl::StrContains(name, kAs));
}

bool TakesNameOnServer(Command::Verb verb) {
  return verb == Command::Verb::kGet || verb == Command::Verb::kStat || verb == Command::Verb::kList;
}

}  // namespace

bool IsTypingPath(absl::string_view typed) {
  const TypedLine line = Split(typed);
  if (line.command == nullptr) return false;
  const bool has_as = absl::StrContains(line.rest, kAs);
  return line.command->verb == Command::Verb::kPut ? !has_as : line.command->verb == Command::Verb::kGet && has_as;
}

Completion CompleteLine(absl::string_view typed, const NameSource& names) {
  const TypedLine line = Split(typed);
  std::vector<std::string> choices;
  if (line.command == nullptr) {
    if (!line.rest.empty() || absl::EndsWith(typed, " ")) return {};
    for (const CommandInfo& command : AllCommands()) {
      if (absl::StartsWith(command.word, line.word)) choices.emplace_back(command.word);
    }
    return Complete(std::move(choices), line.word.size(), " ");
  }
  if (!TakesNameOnServer(line.command->verb) || IsTypingPath(typed)) return {};
  const bool is_quoted = absl::StartsWith(line.rest, "\"");
  const absl::string_view begin = line.rest.substr(is_quoted ? 1 : 0);
  for (const std::string& name : names()) {
    if (absl::StartsWith(name, begin) && CanBeTyped(name, line.command->verb, is_quoted)) choices.push_back(name);
  }
  return Complete(std::move(choices), begin.size(), is_quoted ? "\"" : "");
}

std::string ChoicesAsText(absl::Span<const std::string> choices, size_t columns) {
  if (choices.size() > kMostChoices) return absl::StrCat(choices.size(), " files; type more of the name\n");
  size_t widest = 0;
  for (const std::string& choice : choices) widest = std::max(widest, Columns(choice));
  // Two blanks between neighbours, none behind the last one.
  const size_t in_line = std::max<size_t>((columns + 2) / (widest + 2), 1);
  std::string text;
  for (size_t i = 0; i < choices.size(); ++i) {
    const bool ends_line = (i + 1) % in_line == 0 || i + 1 == choices.size();
    absl::StrAppend(&text, choices[i], ends_line ? "\n" : std::string(widest + 2 - Columns(choices[i]), ' '));
  }
  return text;
}

}  // namespace polyserve
