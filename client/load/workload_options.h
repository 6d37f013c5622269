// WorkloadOptions: what the workloads let one choose.
#ifndef POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_
#define POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "net/endpoint.h"

namespace polyserve {

struct WorkloadOptions {
  size_t size = 64;          // echo, churn, chat, upload: bytes of a message, or of a file.
  std::string name;          // http, download: the file. upload: the beginning of the files' names. disk: of the paths.
  uint64_t primes = 10'000;  // compute: the sum of those below it.
  std::string files;         // disk: the directory.

  // Of what runs beside, in mixed and slow.
  std::optional<Endpoint> beside_server;
  int beside_connections = 1;
  std::string beside_name;   // slow: the file; empty: the same.
  double read_rate = 10000;  // slow: bytes per second that a reader takes.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_
