#include "backends/thread_team.h"

#include <poll.h>

#include <algorithm>

#include "backends/blocking/blocking_driver.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_parts.h"
#include "backends/pool/shared_listeners.h"
#include "base/logging.h"
#include "net/shortage.h"
#include "net/signals.h"

namespace polyserve {

using State = Scoreboard::State;

absl::StatusOr<std::unique_ptr<ProcessWork>> ThreadTeam::Open(const WorkerProcess& process) {
  absl::StatusOr<std::unique_ptr<ClientSource>> source = process.OpenSource();
  if (!source.ok()) return source.status();
  return std::make_unique<ThreadTeam>(process, *std::move(source));
}

ThreadTeam::ThreadTeam(const WorkerProcess& process, std::unique_ptr<ClientSource> source)
    : process_(process), scoreboard_(process.parts.scoreboard), turns_(std::move(source)) {
  for (int slot = process.slot; slot < scoreboard_.EndOf(process.slot); ++slot) {
    seats_.push_back({slot, ContextOfThread(process.parts.context, slot)});
  }
}

// A signal does not end the wait for a turn. But it interrupts the thread whose turn it is, which then leaves it to the
// next one.
absl::StatusOr<Connection> ThreadTeam::Turns::Next() {
  MutexLock lock(turn_);
  return source_->Next();
}

// The kernel gives the signal of a stop (net/lifeline.h) to the main thread, which therefore serves no client, and
// passes it on. One that comes between the look and the wait is repeated (WorkerProcesses::TellStop()).
absl::Status ThreadTeam::Run() {
  for (Seat& seat : seats_) StartThread(seat);
  while (!Signals::stopping()) ::poll(nullptr, 0, -1);
  while (!threads_.InterruptAndWait()) CallOneBack();
  return absl::OkStatus();
}

void ThreadTeam::StartThread(Seat& seat) {
  while (true) {
    const absl::Status started = threads_.Start([this, &seat] { ServeClients(seat); });
    if (started.ok()) return;
    if (Signals::stopping()) return scoreboard_.Set(seat.slot, State::kLeaving);
    LOG_EVERY_T(WARNING, kSecondsBetweenShortageLogs) << "a worker: " << started.message() << "; trying again";
    PauseForShortage();
  }
}

void ThreadTeam::ServeClients(Seat& seat) {
  PoolWorker worker(process_.parts, seat.slot, turns_, seat.context);
  while (true) {
    absl::StatusOr<Connection> client = worker.Next();
    if (!client.ok()) return;  // The server stops.
    DriveBlocking(*std::move(client), seat.context);
  }
}

// While the server stops, threads without a client leave, and the pool starts no other process in the place of this one
// before the last of them has. If a client comes that late, because its handshake was under way, and all threads that
// are left have clients, one more is started for it.
void ThreadTeam::CallOneBack() {
  const auto find = [this](State state) {
    return std::find_if(seats_.begin(), seats_.end(),
                        [&](const Seat& seat) { return scoreboard_.state(seat.slot) == state; });
  };
  SharedListeners& listeners = *process_.parts.shared_listeners;
  const auto free = find(State::kLeaving);
  if (free == seats_.end() || find(State::kIdle) != seats_.end()) return;
  if (listeners.ShutDownEmpty() || !listeners.HasWaiting(process_.slot)) return;
  scoreboard_.Set(free->slot, State::kIdle);
  StartThread(*free);
}

}  // namespace polyserve
