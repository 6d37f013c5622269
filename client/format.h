// Numbers and dates as a person reads them on a terminal, and how much of it text takes.
#ifndef POLYSERVE_CLIENT_FORMAT_H_
#define POLYSERVE_CLIENT_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// "999 B", "1.5 KiB", "12.0 GiB"; at most 10 characters.
std::string HumanSize(int64_t bytes);

// "2024-11-22 02:35:10", in that time zone.
std::string HumanDate(int64_t seconds_since_1970, absl::TimeZone zone);

// "0:07", "12:30", "1:02:03"; "-:--" for what is longer than 99 hours, or not known.
std::string HumanTime(absl::Duration time);

// The columns that printable UTF-8 takes, or more: what may be wide (East Asian, emoji) counts two, accents count one.
size_t Columns(absl::string_view text);

// The longest beginning of printable UTF-8 that fits, whole characters only.
absl::string_view FitColumns(absl::string_view text, size_t columns);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_FORMAT_H_
