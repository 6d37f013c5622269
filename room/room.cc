#include "room/room.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

// For well-formed UTF-8. The controls of ASCII and of Latin-1 (U+0080 to U+009F), and the line ends of Unicode (U+2028,
// U+2029): on a terminal they move the cursor, and a message could pass for another member's.
bool HasControls(absl::string_view utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(utf8[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && static_cast<uint8_t>(utf8[i + 1]) < 0xA0) return true;
  }
  return absl::StrContains(utf8, "\u2028") || absl::StrContains(utf8, "\u2029");
}

// Whether a character shows something on its own or behind another one. Not so the spaces of any width, controls,
// directions, joiners, fillers, tags and variation selectors, nor characters that fonts do not know: with these, two
// names could look the same.
bool IsVisible(UChar32 character) {
  // By its category it is a symbol, but it looks like a space.
  constexpr UChar32 kBlankBraille = 0x2800;
  constexpr uint32_t kInvisible = U_GC_Z_MASK | U_GC_C_MASK;  // Separators; controls, formats, private, unassigned.
  return (U_GET_GC_MASK(character) & kInvisible) == 0 && character != kBlankBraille &&
         !u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

bool IsMark(UChar32 character) { return (U_GET_GC_MASK(character) & U_GC_M_MASK) != 0; }

// Of well-formed UTF-8.
std::u32string CharactersOf(absl::string_view utf8) {
  std::u32string characters;
  const int32_t size = static_cast<int32_t>(utf8.size());
  for (int32_t at = 0; at < size;) {
    UChar32 character = 0;
    // Negative for bytes that are not UTF-8; those were refused before.
    U8_NEXT(utf8.data(), at, size, character);
    characters.push_back(static_cast<char32_t>(character));
  }
  return characters;
}

}  // namespace

// Only the name by itself is judged here, so that any process can do it; whether it is free, and looks like no other,
// is for the room. A combining mark at the beginning would go onto the quotation mark in front of it. The bound is in
// bytes, since it bounds packets and lines; it is enough for some twenty Chinese characters.
absl::Status CheckMemberName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a name has at most ", kMaxNameBytes, " bytes"));
  }
  if (!IsUtf8(name)) return absl::InvalidArgumentError("the name is not UTF-8");
  const std::u32string characters = CharactersOf(name);
  if (!std::all_of(characters.begin(), characters.end(),
                   [](char32_t c) { return IsVisible(static_cast<UChar32>(c)); })) {
    return absl::InvalidArgumentError("a name has no spaces, and no characters that cannot be seen");
  }
  if (IsMark(static_cast<UChar32>(characters.front()))) {
    return absl::InvalidArgumentError("a name does not begin with a mark that belongs on a letter");
  }
  return absl::OkStatus();
}

absl::Status NameIsTaken() { return absl::AlreadyExistsError("the name is taken"); }

absl::Status NameIsAdministrators(absl::string_view admin_name) {
  return absl::PermissionDeniedError(
      absl::StrCat("the name contains or looks like '", admin_name, "', the administrator's"));
}

absl::Status IsBanned(absl::string_view text) { return absl::FailedPreconditionError(text); }

// Only what breaks the line or the terminal is refused. Texts may have what names may not, such as joiners and
// directions: scripts and emoji need them, and a text does not pose as a member.
absl::Status CheckText(absl::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("the message is empty");
  if (text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a message has at most ", kMaxTextBytes, " bytes"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError("the message is not UTF-8");
  if (HasControls(text)) return absl::InvalidArgumentError("the message has control characters");
  return absl::OkStatus();
}

// The course's own words and spacing, which its clients show as they are. In English: "welcome, 'ada' enters the chat
// room", "'ada' leaves the chat room".
Message MakeSaying(absl::string_view name, absl::string_view text) {
  return std::make_shared<const std::string>(absl::StrCat(name, " : ", text, "\n"));
}

Message MakeArrival(absl::string_view name) {
  return std::make_shared<const std::string>(absl::StrCat("欢迎 '", name, "' 进入聊天室\n"));
}

Message MakeDeparture(absl::string_view name) {
  return std::make_shared<const std::string>(absl::StrCat("'", name, "' 退出聊天室\n"));
}

Message MakePrivateSaying(absl::string_view from, absl::string_view to, absl::string_view text) {
  return std::make_shared<const std::string>(absl::StrCat(from, " -> ", to, " : ", text, "\n"));
}

Message MakeAnswer(absl::string_view line) { return std::make_shared<const std::string>(absl::StrCat(line, "\n")); }

}  // namespace polyserve
