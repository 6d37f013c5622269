// ClientSource: where a worker of a pool gets its clients from. Each way of sharing the listeners (--accept=) has one:
//
//   shared, lock, reuseport  SharedListeners::Open()  the worker accepts by itself
//   pass, between threads    ClientQueue::Open()      the main thread accepts
//   pass, between processes  ClientChannel::Open()    the parent accepts
#ifndef POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_
#define POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"

namespace polyserve {

// Made in the worker's own thread or process, and called by that worker alone.
class ClientSource {
 public:
  virtual ~ClientSource() = default;

  // Blocks until this worker has a client, which is counted in. A signal alone does not end the wait, and a
  // shortage of descriptors is waited out. Cancelled, the only error: the worker is to leave, either because it is one
  // too many or because the server stops and all clients that had connected before have been taken.
  virtual absl::StatusOr<Connection> Next() = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_
