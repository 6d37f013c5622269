// Server for one client: what a program does that inetd has started with a connection (--inetd).
#include "absl/status/status.h"
#include "base/descriptor_limit.h"
#include "net/process.h"
#include "net/signals.h"
#include "net/standard_socket.h"
#include "wiring.h"

namespace polyserve {

bool Server::is_alone() const { return given_.is_connection && !Process::IsImage(); }

// The model decides who serves which of many clients. Here there is one, so nothing of it is needed: the main thread
// serves, and another one answers signals. The order is that of Open().
absl::Status Server::OpenForOneClient() {
  // It would fetch each file for the one client, and others at the same time for others.
  if (fetching_ != nullptr) {
    return absl::InvalidArgumentError(
        "--upstream needs a server that stays; --inetd has started this one for a client");
  }
  RaiseDescriptorLimit();
  absl::Status status = privileges_.BecomeUser();
  if (status.ok()) status = sandbox_.RestrictFiles();
  if (status.ok()) status = Signals::Install();
  if (status.ok()) status = TuneConnection(given_.fd.get(), context_->idle_timeout, context_->listen);
  if (status.ok()) status = privileges_.GiveUpAll();
  if (status.ok()) status = sandbox_.RestrictCalls();
  if (status.ok()) status = StartSignalThread();
  if (status.ok() && config_.Any(&Service::has_room)) status = OpenRoom(/*has_operator=*/false, nullptr);
  if (status.ok() && config_.Any(&Service::has_room)) status = room_host_->StartThreads(/*has_operator=*/false);
  return status;
}

}  // namespace polyserve
