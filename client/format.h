// Numbers, dates and durations for people, and the width of text on a terminal. Pure functions, free of the locale, for
// any thread.
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

// "0:07", "12:30", "1:02:03"; "-:--" from 100 hours on, and for a time that is negative or infinite: not known.
std::string HumanTime(absl::Duration time);

// An upper bound of the columns that printable UTF-8 takes on a terminal: characters that may be wide (East Asian,
// emoji) count two, combining accents count one, though they take none. Terminals disagree about both.
size_t Columns(absl::string_view text);

// The longest prefix of printable UTF-8 that fits into `columns`, by the count of Columns(); whole characters only.
// Valid as long as `text` is.
absl::string_view FitColumns(absl::string_view text, size_t columns);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_FORMAT_H_
