// The flags about the server that has the files which this one lacks.
#ifndef POLYSERVE_UPSTREAM_FLAGS_H_
#define POLYSERVE_UPSTREAM_FLAGS_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fetch/origin_fetch.h"
#include "net/endpoint.h"

namespace polyserve {

// Plain data.
struct UpstreamOptions {
  std::shared_ptr<const Origin> origin = nullptr;  // Null: there is none. Without an address in a program image.
  int64_t max_copied_bytes = 0;                    // 0: any number.
};

// After the flags were parsed. `max_file_bytes`: of a file that may be stored. Returns InvalidArgument, with one line
// for the user, if the address is malformed or cannot be resolved, or a number makes no sense. Looks the name up, which
// may block: here alone, and not in a program image, which fetches nothing itself.
absl::StatusOr<UpstreamOptions> UpstreamOptionsFromFlags(int64_t max_file_bytes);

// For each TCP listener of this server. Returns InvalidArgument, with one line for the user, if the other server is
// that listener: it would ask itself for what it lacks. Tells by the addresses alone.
absl::Status CheckUpstreamIsNot(const Endpoint& listener, const UpstreamOptions& options);

}  // namespace polyserve

#endif  // POLYSERVE_UPSTREAM_FLAGS_H_
