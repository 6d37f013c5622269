#include "protocol/http/syntax.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace polyserve {

namespace {

constexpr size_t kWord = sizeof(uint64_t);

// True if one of eight bytes may be a control character; tabs count. Subtracting n from each byte of a word sets the
// highest bit of those that were below n, unless it was set before: "& ~word" excludes bytes of 0x80 and above, which
// are allowed in values. Which byte it is cannot be told from the result, because a borrow runs on into the byte above;
// so the caller looks at each. This is hasless() of Anderson's "Bit Twiddling Hacks".
bool MayHoldControl(const char* bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = 0x80 * kOnes;
  uint64_t word;
  // The bytes may stand at any address; compilers make one load of it.
  std::memcpy(&word, bytes, kWord);
  const uint64_t is_low = (word - 0x20 * kOnes) & ~word;
  const uint64_t delete_is_zero = word ^ (0x7F * kOnes);
  const uint64_t is_delete = (delete_is_zero - kOnes) & ~delete_is_zero;
  return ((is_low | is_delete) & kHighBits) != 0;
}

}  // namespace

// Eight bytes at a time: nearly all bytes of a head are looked at here, and most words hold no control character. A tab
// makes a word suspicious without being a control character here; the second look passes over it.
size_t FindHttpControl(absl::string_view text, size_t begin) {
  size_t i = begin;
  while (i < text.size()) {
    if (i + kWord <= text.size() && !MayHoldControl(text.data() + i)) {
      i += kWord;
      continue;
    }
    for (const size_t end = std::min(i + kWord, text.size()); i < end; ++i) {
      if (IsHttpControl(text[i])) return i;
    }
  }
  return text.size();
}

HttpLineEnd FindHttpLineEnd(absl::string_view text, size_t& position) {
  position = FindHttpControl(text, position);
  if (position == text.size()) return HttpLineEnd::kNone;
  if (text[position] == '\n') return HttpLineEnd::kBareLf;
  if (text[position] != '\r') return HttpLineEnd::kBadControl;
  // A CR at the end of the input may still get its LF.
  if (position + 1 == text.size()) return HttpLineEnd::kNone;
  return text[position + 1] == '\n' ? HttpLineEnd::kCrLf : HttpLineEnd::kBadControl;
}

}  // namespace polyserve
