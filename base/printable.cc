#include "base/printable.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

struct Range {
  uint32_t first, last;
};

// Beyond ASCII: what changes how the text around it is seen, or is not seen itself (Unicode's General_Category Cc, Zl,
// Zp, and of Cf and Default_Ignorable_Code_Point what no script needs within a word). U+200C and U+200D, the joiners,
// are left out on purpose: Persian, the scripts of India and composed emoji need them.
constexpr Range kEscaped[] = {
    {0x80, 0x9F},        // C1: U+009B starts a control sequence as ESC [ does.
    {0x61C, 0x61C},      // Arabic letter mark.
    {0x180E, 0x180E},    // Mongolian vowel separator.
    {0x200B, 0x200B},    // Zero-width space.
    {0x200E, 0x200F},    // Left-to-right and right-to-left mark.
    {0x2028, 0x202E},    // Line and paragraph separator; embeddings and overrides.
    {0x2060, 0x206F},    // Word joiner, invisible operators, isolates, deprecated controls.
    {0x3164, 0x3164},    // Hangul filler.
    {0xFEFF, 0xFEFF},    // Byte order mark.
    {0xFFF9, 0xFFFB},    // Interlinear annotation.
    {0xE0000, 0xE0FFF},  // Tags, and what is reserved for their like.
};

// Called for every character of a log line, and nearly all are ASCII: those are judged without the table. The tab is
// escaped as well: in a log of columns it would shift what follows.
bool IsEscaped(uint32_t character) {
  if (character < 0x80) return character < 0x20 || character == 0x7F;
  return std::any_of(std::begin(kEscaped), std::end(kEscaped),
                     [character](const Range& range) { return range.first <= character && character <= range.last; });
}

// The code point of one well-formed character (RFC 3629, section 3): the lead byte of a sequence of n bytes holds 7-n
// bits, each byte behind it six.
uint32_t Decode(absl::string_view bytes) {
  const uint8_t lead = static_cast<uint8_t>(bytes[0]);
  uint32_t character = bytes.size() == 1 ? lead : lead & (0x7Fu >> bytes.size());
  for (size_t i = 1; i < bytes.size(); ++i) character = character << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3F);
  return character;
}

void AppendJsonEscape(uint32_t character, std::string& text) {
  if (character <= 0xFFFF) {
    absl::StrAppendFormat(&text, "\\u%04x", character);
  } else {  // As a pair of surrogates (RFC 8259, section 7).
    character -= 0x10000;
    absl::StrAppendFormat(&text, "\\u%04x\\u%04x", 0xD800 + (character >> 10), 0xDC00 + (character & 0x3FF));
  }
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  while (!text.empty()) {
    // Zero for a byte that begins no character: it is escaped alone, and the search continues behind it.
    const size_t length = Utf8Length(text);
    const absl::string_view bytes = text.substr(0, std::max<size_t>(length, 1));
    const uint32_t character = length == 0 ? static_cast<uint8_t>(text[0]) : Decode(bytes);
    if (length > 0 && !IsEscaped(character)) {
      printable.append(bytes.data(), bytes.size());
    } else if (character < 0x100) {
      absl::StrAppendFormat(&printable, "\\x%02x", character);
    } else {
      absl::StrAppendFormat(&printable, "\\u%04x", character);
    }
    text.remove_prefix(bytes.size());
  }
  return printable;
}

// The end of what surely fits beside the mark is kept, in case the text turns out to be longer.
std::string JsonEscaped(absl::string_view text, size_t most, absl::string_view cut_mark) {
  std::string escaped;
  size_t end_before_mark = 0;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const absl::string_view bytes = text.substr(0, std::max<size_t>(length, 1));
    const uint32_t character = length == 0 ? 0xFFFD : Decode(bytes);
    if (character == '"' || character == '\\') {
      absl::StrAppend(&escaped, "\\", bytes);
    } else if (length == 0 || IsEscaped(character)) {
      AppendJsonEscape(character, escaped);
    } else {
      absl::StrAppend(&escaped, bytes);
    }
    if (escaped.size() > most) {
      escaped.resize(end_before_mark);
      return absl::StrCat(escaped, cut_mark);
    }
    if (escaped.size() + cut_mark.size() <= most) end_before_mark = escaped.size();
    text.remove_prefix(bytes.size());
  }
  return escaped;
}

// A byte that is not UTF-8 cannot be kept in JSON, which has no escape for bytes (RFC 8259, section 8.1): it becomes
// U+FFFD.
std::string PrintableJson(absl::string_view json) {
  std::string printable;
  printable.reserve(json.size());
  while (!json.empty()) {
    const size_t length = Utf8Length(json);
    const absl::string_view bytes = json.substr(0, std::max<size_t>(length, 1));
    const uint32_t character = length == 0 ? 0xFFFD : Decode(bytes);  // The replacement character.
    if (length == 0 || (IsEscaped(character) && character != '\n')) {
      AppendJsonEscape(character, printable);
    } else {
      printable.append(bytes.data(), bytes.size());
    }
    json.remove_prefix(bytes.size());
  }
  return printable;
}

}  // namespace polyserve
