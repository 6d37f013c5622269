// The workloads by name: what is asked of a server, and what it has to answer. One table for --workload and the help.
#ifndef POLYSERVE_LOAD_WORKLOADS_H_
#define POLYSERVE_LOAD_WORKLOADS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "load/exchange.h"
#include "net/endpoint.h"

namespace polyserve {

// What the workloads let one choose.
struct WorkloadOptions {
  size_t size = 64;          // echo, churn: bytes of a message.
  std::string name;          // http, download: the file.
  uint64_t primes = 10'000;  // compute: the sum of those below it.
};

struct Workload {
  const char* name;
  const char* service;  // The server's, that it needs.
  const char* description;
  bool connection_each;  // By its nature.
  // May ask the server once what the right reply is. Unavailable: it cannot be asked, or refuses. InvalidArgument: the
  // options make no sense.
  absl::StatusOr<ExchangeFactory> (*prepare)(const WorkloadOptions& options, const Endpoint& server);
};

absl::Span<const Workload> AllWorkloads();

// Null where there is none of this name.
const Workload* FindWorkload(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_WORKLOADS_H_
