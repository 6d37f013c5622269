#include "client/format.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyserve {

namespace {

constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

// In UTF-8 the first byte tells the character's length, and from three bytes on (U+0800) it may be a wide one. Tables
// of widths (wcwidth(3)) depend on the locale and on the age of the system, and terminals have their own: a bound that
// is never too small is all that a one-line display needs.
size_t ColumnsOfByte(unsigned char byte) {
  if ((byte & 0xc0) == 0x80) return 0;  // Inside of a character.
  return byte >= 0xe0 ? 2 : 1;
}

}  // namespace

std::string HumanSize(int64_t bytes) {
  // Below a KiB the exact number is shorter than a rounded one.
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double number = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // The last unit is never left, and 64 bits do not need more: the largest number is 8.0 EiB.
  while (number >= 1023.95 && unit + 1 < sizeof(kUnits) / sizeof(kUnits[0])) {  // Would be printed as 1024.0.
    number /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", number, kUnits[unit]);
}

// The zone is an argument, so that this stays a pure function: localtime(3) would read the process's TZ. Year first, so
// that dates sort as texts.
std::string HumanDate(int64_t seconds_since_1970, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds_since_1970), zone);
}

std::string HumanTime(absl::Duration time) {
  // An estimate of days, from the first bytes of a transfer, would only make the line jump. The bound also catches the
  // infinite duration, which has no seconds.
  if (time < absl::ZeroDuration() || time >= absl::Hours(100)) return "-:--";
  const int64_t seconds = absl::ToInt64Seconds(time);
  if (seconds < 3600) return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

size_t Columns(absl::string_view text) {
  size_t columns = 0;
  for (char c : text) columns += ColumnsOfByte(static_cast<unsigned char>(c));
  return columns;
}

absl::string_view FitColumns(absl::string_view text, size_t columns) {
  size_t used = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    // Only the first byte of a character adds columns, so a cut can never fall inside a character.
    used += ColumnsOfByte(static_cast<unsigned char>(text[i]));
    if (used > columns) return text.substr(0, i);
  }
  return text;
}

}  // namespace polyserve
