// Dates of HTTP (RFC 9110, section 5.6.7), in seconds since 1970. Free of the C library's time zones and locales.
#ifndef POLYSERVE_PROTOCOL_HTTP_DATE_H_
#define POLYSERVE_PROTOCOL_HTTP_DATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string FormatHttpDate(int64_t seconds);

// "1994-11-06 08:49", for people; UTC.
std::string FormatReadableDate(int64_t seconds);

// Takes the three forms that a server must take; nothing if it is none of them.
std::optional<int64_t> ParseHttpDate(absl::string_view text);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DATE_H_
