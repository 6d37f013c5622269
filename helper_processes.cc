// The processes of a server that serve no client themselves: the hub of its chat room, the host of its programs, and
// the one that fetches files.
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "backends/registry.h"
#include "base/logging.h"
#include "base/take.h"
#include "exec_programs.h"
#include "file_fetching.h"
#include "lifecycle/inherited_listeners.h"
#include "net/process.h"
#include "net/statistics.h"
#include "room_host.h"
#include "services.h"
#include "wiring.h"

namespace polyserve {

absl::Status Server::MakeRoom() {
  // Made even if no service has a room: whether --admin_name is valid does not depend on --listen.
  const bool shares_memory = TraitsWithFlags(*config_.model).shares_memory || is_alone();
  return Take(RoomHost::Create(config_.room.admin_name, config_.room.limits, shares_memory, config_.room.link),
              room_host_);
}

absl::Status Server::MakePrograms() {
  if (config_.programs.commands.empty()) return absl::OkStatus();
  HostOptions options = config_.programs;
  // The session only sees that there is no output, as of many a program.
  options.on_refusal = [counters = &OfService(statistics_.counters(), NumberOf(*FindService("exec")))] {
    Counters::Add(counters->errors, 1);
  };
  return Take(ExecPrograms::Create(std::move(options)), programs_);
}

absl::Status Server::OpenRoom(bool has_operator, InheritedListeners* inherited) {
  return room_host_->Open(*context_, has_operator, [this, inherited] {
    if (inherited != nullptr) inherited->Leave();
    const absl::Status status = privileges_.GiveUpAll();
    if (!status.ok()) LOG(WARNING) << "the hub of the room keeps more rights than it needs: " << status.message();
    // Without its sandbox it must not run; then neither does the server.
    const absl::Status restricted = sandbox_.RestrictCalls();
    if (restricted.ok()) return;
    LOG(ERROR) << restricted.message();
    ExitChild(1);
  });
}

absl::Status Server::OpenPrograms(InheritedListeners& inherited) {
  return programs_->Open(*context_, [this, &inherited] {
    inherited.Leave();
    const absl::Status status = privileges_.GiveUpAll();
    if (status.ok()) return;
    LOG(ERROR) << status.message();  // No program of a client's may have them.
    ExitChild(1);
  });
}

// It has the root's files and the other server, and needs neither the server's clients nor its programs.
absl::Status Server::OpenFetching(InheritedListeners& inherited) {
  return fetching_->Open(*library_, *context_, [this, &inherited] {
    inherited.Leave();
    absl::Status status = privileges_.GiveUpAll();
    if (status.ok())
      status = sandbox_.RestrictCallsTo({.stores_files = true, .keeps_copies = true, .asks_servers = true});
    if (status.ok()) return;
    LOG(ERROR) << status.message();
    ExitChild(1);
  });
}

}  // namespace polyserve
