#include "room/room.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

// Those of ASCII and of Latin-1 (U+0080 to U+009F), and the line ends of Unicode (U+2028, U+2029): on a terminal they
// move the cursor, and a message could pass for another one's.
bool HasControls(absl::string_view utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(utf8[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && static_cast<uint8_t>(utf8[i + 1]) < 0xA0) return true;
  }
  return absl::StrContains(utf8, "\u2028") || absl::StrContains(utf8, "\u2029");
}

// Nobody sees them, so that two names could look the same: soft hyphen, zero width (U+200B to U+200F), directions
// (U+202A to U+202E, U+2066 to U+2069), joiners (U+2060 to U+2064), byte order mark.
bool HasInvisibles(absl::string_view utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const absl::string_view rest = utf8.substr(i);
    if (absl::StartsWith(rest, "\u00AD") || absl::StartsWith(rest, "\uFEFF")) return true;
    if (rest.size() < 3 || rest[0] != '\xE2') continue;
    const uint8_t last = static_cast<uint8_t>(rest[2]);
    if (rest[1] == '\x80' && ((last >= 0x8B && last <= 0x8F) || (last >= 0xAA && last <= 0xAE))) return true;
    if (rest[1] == '\x81' && last >= 0xA0 && last <= 0xA9) return true;
  }
  return false;
}

// U+3000 is the space of Chinese and Japanese, U+00A0 the one that does not break, U+2000 to U+200A have widths.
bool HasSpaces(absl::string_view utf8) {
  for (absl::string_view space : {" ", "\u3000", "\u00A0", "\u1680", "\u202F", "\u205F"}) {
    if (absl::StrContains(utf8, space)) return true;
  }
  for (char last = '\x80'; last <= '\x8A'; ++last) {
    if (absl::StrContains(utf8, absl::StrCat("\xE2\x80", absl::string_view(&last, 1)))) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckName(absl::string_view name, absl::string_view admin_name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a name has at most ", kMaxNameBytes, " bytes"));
  }
  if (!IsUtf8(name)) return absl::InvalidArgumentError("the name is not UTF-8");
  if (HasControls(name) || HasSpaces(name) || HasInvisibles(name)) {
    return absl::InvalidArgumentError("a name has no spaces, and no characters that cannot be seen");
  }
  if (absl::StrContains(name, admin_name)) {
    return absl::PermissionDeniedError(absl::StrCat("the name contains '", admin_name, "', the administrator's"));
  }
  return absl::OkStatus();
}

absl::Status NameIsTaken() { return absl::AlreadyExistsError("somebody has this name"); }

absl::Status CheckText(absl::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("the message is empty");
  if (text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a message has at most ", kMaxTextBytes, " bytes"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError("the message is not UTF-8");
  if (HasControls(text)) return absl::InvalidArgumentError("the message has control characters");
  return absl::OkStatus();
}

Message MakeSaying(absl::string_view name, absl::string_view text) {
  return std::make_shared<const std::string>(absl::StrCat(name, " : ", text, "\n"));
}

Message MakeArrival(absl::string_view name) {
  return std::make_shared<const std::string>(absl::StrCat("欢迎 '", name, "' 进入聊天室\n"));
}

Message MakeDeparture(absl::string_view name) {
  return std::make_shared<const std::string>(absl::StrCat("'", name, "' 退出聊天室\n"));
}

}  // namespace polyserve
