// SharedTables: what the processes of a server share besides its statistics, in memory that belongs to these. Each
// table says who may use it.
#ifndef POLYSERVE_SHARED_TABLES_H_
#define POLYSERVE_SHARED_TABLES_H_

#include <atomic>
#include <cstdint>

#include "access/access.h"
#include "access/address_limits.h"
#include "base/bound_counters.h"
#include "net/request_times.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "protocol/proxy/counters.h"
#include "protocol/tls/handshake_counters.h"

namespace polyserve {

// All zeroes at first.
struct SharedTables {
  BoundCounters counters;
  HandshakeCounters handshakes;
  ProxyCounters proxy_headers;
  std::atomic<int64_t> library_bytes;
  StopState stop;
  RequestTimes::Table request_times;
  AddressLimits::Table addresses;
  Access::Table access;
};
static_assert(sizeof(SharedTables) <= Statistics::kExtraBytes && alignof(SharedTables) <= alignof(Counters));

// Those of this server. Valid as long as the memory of the statistics.
inline SharedTables& TablesOf(const Statistics& statistics) {
  return *static_cast<SharedTables*>(statistics.extra_memory());
}

}  // namespace polyserve

#endif  // POLYSERVE_SHARED_TABLES_H_
