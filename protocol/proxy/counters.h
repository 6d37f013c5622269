// ProxyCounters: what has come as headers of the PROXY protocol, in memory that all processes of a server share.
// /-/metrics and /-/status show them.
//
// Any thread of any process; nothing blocks.
#ifndef POLYSERVE_PROTOCOL_PROXY_COUNTERS_H_
#define POLYSERVE_PROTOCOL_PROXY_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace polyserve {

// All zeroes at first. Relaxed, since each is counted by itself, once for a connection.
struct ProxyCounters {
  std::atomic<int64_t> client;     // They name the client.
  std::atomic<int64_t> own;        // The balancer speaks for itself, or does not know the client.
  std::atomic<int64_t> malformed;  // Something else has come, or too little.
  std::atomic<int64_t> late;       // The rest has not come in time.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_PROXY_COUNTERS_H_
