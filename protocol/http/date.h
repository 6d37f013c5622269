// The dates of HTTP (RFC 9110, section 5.6.7), as seconds since 1970. Uses neither the time zones nor the locale of the
// C library, so the result is the same on every system, and nothing is locked.
#ifndef POLYSERVE_PROTOCOL_HTTP_DATE_H_
#define POLYSERVE_PROTOCOL_HTTP_DATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// "Sun, 06 Nov 1994 08:49:37 GMT": the fixed length form, which a server must send.
std::string FormatHttpDate(int64_t seconds);

// "1994-11-06 08:49", for people; UTC.
std::string FormatReadableDate(int64_t seconds);

// Parses the three forms that a recipient must accept: the fixed length form, that of RFC 850 (two digits for the year)
// and that of asctime(). Returns nothing if the text is none of them, or no date of the calendar; the weekday need not
// be the right one.
std::optional<int64_t> ParseHttpDate(absl::string_view text);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DATE_H_
