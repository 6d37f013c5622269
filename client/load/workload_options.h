// WorkloadOptions: the parameters of workloads, from the flags of the load generator. Each workload reads the few that
// concern it, and checks them in Workload::prepare.
#ifndef POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_
#define POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "net/endpoint.h"

namespace polyserve {

class LoadTls;

// Plain data, unchecked: a value may be out of bounds, or missing, until a workload has checked it. The defaults are
// those of the flags; tests and the self-test use them, too.
struct WorkloadOptions {
  // For the load itself.
  size_t size = 64;  // --size. echo, churn, message, chat, upload ...: bytes of a message, or of a file.
  std::string name;  // --name. http, download ...: the file. upload, disk, web ...: the prefix of the files' names.
  uint64_t primes = 10'000;                      // --primes. compute: asks for the sum of the primes below it.
  absl::Duration wait = absl::Milliseconds(10);  // --wait. wait, relay: how long a request waits, on average.
  std::string wait_times = "fixed";              // --wait_times. Likewise: how that differs from one to the next.
  std::string files;     // --files. disk: the directory, on this machine. web: where to write its files; "": nowhere.
  std::string schedule;  // --schedule. replay: the file.
  std::optional<absl::Duration> begin = absl::ZeroDuration();  // --begin. replay: where in it; nothing: at random.
  absl::Duration keep_alive = absl::Seconds(15);  // --keep_alive. replay: how long a client keeps a silent connection.
  absl::Duration think_time = absl::Seconds(1);   // --think_time. web: the shortest time between two clicks; above 0.
  std::vector<Endpoint> listen_at;                // --listen_at. chat: where listeners join; none: where one speaks.

  // For the second load. mixed needs the server; slow uses that of the first load unless it is set.
  std::optional<Endpoint> beside_server;
  std::shared_ptr<const LoadTls> beside_tls;  // Of beside_server; null: in the clear.
  int beside_connections = 1;                 // All of one thread.
  std::string beside_name;                    // slow: the file; empty: the same as `name`.
  double read_rate = 10000;                   // --read_rate. slow: bytes per second that each reader takes; at least 1.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKLOAD_OPTIONS_H_
