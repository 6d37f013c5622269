// ClientSource: where a worker of a pool gets its clients from. Each way of sharing the listeners has its own.
#ifndef POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_
#define POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"

namespace polyserve {

class ClientSource {
 public:
  virtual ~ClientSource() = default;

  // Waits for this worker's next client. Cancelled: the worker is to leave, as it is one too many, or as the server
  // stops and those who had connected before have all been taken. Called by its own worker alone.
  virtual absl::StatusOr<Connection> Next() = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_CLIENT_SOURCE_H_
