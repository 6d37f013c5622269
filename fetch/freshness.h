// Freshness: what the head of another server's reply says about keeping its content (RFC 9111). Pure functions.
#ifndef POLYSERVE_FETCH_FRESHNESS_H_
#define POLYSERVE_FETCH_FRESHNESS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace polyserve {

struct Freshness {
  // "no-store", or "private": it may not be kept. Then it cannot be served either, since files are all that is served.
  bool may_keep = true;
  // Once it is stale, the other server must be asked first: "no-cache", "must-revalidate", "proxy-revalidate".
  bool must_validate = false;
  int64_t fresh_seconds = 0;  // From now on.
};

// `cache_control` is the field's value, "" if there is none; `age` that of Age, in seconds. `fallback_seconds` counts
// if the reply names no time; `expires_in` is how long after its Date it expires (the field Expires), also in seconds.
// At most a year, whatever the reply says.
Freshness FreshnessOf(absl::string_view cache_control, std::optional<int64_t> age, int64_t fallback_seconds,
                      std::optional<int64_t> expires_in = std::nullopt);

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_FRESHNESS_H_
