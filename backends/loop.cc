// loop: one client after the other, each served to the end (the iterative server).
// Cost: none but the sockets. Weak spot: a client that stays keeps all the others out.
#include <memory>

#include "backends/acceptor.h"
#include "backends/backend.h"
#include "backends/blocking_driver.h"

namespace polyserve {

namespace {

class LoopBackend : public Backend {
 public:
  absl::Status Serve(ServeContext& context) override {
    Acceptor acceptor(context, {});
    while (true) {
      absl::StatusOr<Connection> client = acceptor.Next();
      if (!client.ok()) return absl::OkStatus();  // Told to stop.
      DriveBlocking(*std::move(client), context);
    }
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeLoopBackend() { return std::make_unique<LoopBackend>(); }

}  // namespace polyserve
