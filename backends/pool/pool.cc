#include "backends/pool/pool.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "backends/connection/fairness.h"
#include "base/logging.h"
#include "net/cpu.h"
#include "net/signals.h"

namespace polyserve {

namespace {

using State = Scoreboard::State;

// Slow on purpose: a lull between two bursts must not cost all the workers that the second one needs.
constexpr absl::Duration kBetweenDismissals = absl::Seconds(1);

// For differences only: the epoch of this clock is arbitrary, but no administrator and no NTP daemon sets it.
absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

// The acceptor accepts only with --accept=pass; otherwise it is what waits, and answers signals.
Pool::Pool(PoolParts& parts, WorkerFactory& workers)
    : context_(parts.context),
      options_(parts.options),
      scoreboard_(parts.scoreboard),
      shared_listeners_(*parts.shared_listeners),
      workers_(workers),
      room_(parts.waiting_room.get()),
      // Loops need sockets that do not block; workers that wait in recv(2) need those that do.
      acceptor_(context_, {.non_blocking = options_.are_loops}),
      started_(static_cast<size_t>(scoreboard_.all_slots())),
      least_(options_.workers),
      next_dismissal_(SteadyNow() + kBetweenDismissals) {}

void Pool::Run() {
  while (!Signals::stopping()) {
    // Only if a worker is free: once accepted, a client cannot go back to the kernel's queue, where waiting costs
    // nothing.
    const bool accepts = passes() && (room_ != nullptr || workers_.HasRoom());
    Attend(accepts);
    if (!accepts) continue;
    if (room_ != nullptr) {
      FillRoom();
      EmptyRoom();
      continue;
    }
    // If the worker that was idle has ended meanwhile, the client waits for its replacement.
    absl::StatusOr<Connection> client = acceptor_.TakeSeen();
    if (client.ok()) workers_.HandOver(*std::move(client));
  }
  if (passes()) PassBacklog();
  // The clients that had connected before belong to the workers now; the pool only sees to it that there are some.
  while (true) {
    CloseDrainedUdp();
    // Asked in every round: a handshake may complete, and a worker may be killed before it has taken its client.
    is_drained_ = shared_listeners_.ShutDownEmpty() && !workers_.HasUntaken();
    if (is_drained_ && worker_count() == 0 && !has_udp_worker()) return;
    Attend(false);
  }
}

// All that have come, before any is served: the newest may be the last one in the kernel's queue. But nobody is refused
// for want of a place while a worker is idle.
void Pool::FillRoom() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    absl::StatusOr<Connection> client = acceptor_.TakeSeen();
    if (!client.ok()) return;
    if (room_->is_full()) EmptyRoom();
    room_->Enter(*std::move(client));
  }
}

void Pool::EmptyRoom() {
  while (workers_.HasRoom()) {
    std::optional<Connection> client = room_->Next();
    if (!client.has_value()) return;
    workers_.HandOver(*std::move(client));
  }
}

// With --accept=pass no worker holds a listener, so the pool itself empties the queues, the oldest clients first. A
// client that cannot be accepted yet (no place, no descriptor, a handshake under way) is tried again a round later.
void Pool::PassBacklog() {
  while (!shared_listeners_.ShutDownEmpty() || has_waiting()) {
    if (!workers_.HasRoom()) {
      Attend(false);
      continue;
    }
    if (has_waiting()) {
      workers_.HandOver(*room_->Oldest());
      continue;
    }
    absl::StatusOr<Connection> client = acceptor_.NextOfBacklog();
    if (absl::IsCancelled(client.status())) break;
    client.ok() ? workers_.HandOver(*std::move(client)) : Attend(false);
  }
  workers_.DismissAll();
}

// One round: brings the pool to its size, and waits until something has happened.
void Pool::Attend(bool for_clients) {
  // In each round, since a worker that was about to block may not have noticed the last one.
  if (Signals::stopping()) workers_.Interrupt();
  AdjustSize();
  acceptor_.Wait({.clients = for_clients,
                  .also = room_ != nullptr ? room_->fd() : scoreboard_.wake_fd(),
                  .at_most = UntilNextLook()});
  if (room_ != nullptr) room_->Attend();
  // Before the states are looked at: a worker that changes its state after that wakes the pool once more.
  scoreboard_.TakeWakes();
  // Before ReapWorkers(), which would vacate the slot of a UDP worker that has left, so that it would be replaced.
  if (Signals::stopping()) CloseDrainedUdp();
  ReapWorkers();
}

void Pool::AdjustSize() {
  if (worker_count() >= least_) least_ = options_.workers_min;  // The first ones are all there.
  // Ends even if starts keep failing: the first failure moves not_before() into the future.
  while (NeedsOneMore() && SteadyNow() >= back_off_.not_before()) StartWorker();
  if (NeedsUdpWorker() && SteadyNow() >= udp_back_off_.not_before()) {
    Start(scoreboard_.udp_slot(), State::kBusy, udp_back_off_);
  }
  if (!options_.has_fixed_size() && !Signals::stopping()) DismissSurplus();
}

// While the server stops, a worker is started only if clients may be left and no other one is free for them.
bool Pool::NeedsOneMore() const {
  // A worker that has just been started counts as idle (StartWorker()), so a burst of clients starts one at a time.
  const bool all_are_busy = scoreboard_.Count(State::kIdle) == 0;
  if (Signals::stopping()) return !is_drained_ && all_are_busy && worker_count() < options_.workers;
  return worker_count() < least_ || (all_are_busy && worker_count() < options_.workers_max);
}

bool Pool::NeedsUdpWorker() const {
  return scoreboard_.udp_slot() >= 0 && scoreboard_.state(scoreboard_.udp_slot()) == State::kVacant && !udp_is_drained_;
}

// Once the UDP worker takes no more peers, no process may hold these listeners any longer: the kernel then answers new
// datagrams with an error, and their senders need not wait for a time-out.
void Pool::CloseDrainedUdp() {
  if (udp_is_drained_ || scoreboard_.udp_slot() < 0) return;
  const State state = scoreboard_.state(scoreboard_.udp_slot());
  if (state != State::kLeaving && state != State::kLeft) return;
  udp_is_drained_ = true;
  for (Listener& listener : context_.listeners) {
    if (listener.has_datagrams()) listener.fd.reset();
  }
}

void Pool::StartWorker() {
  // The slots in turn: while the server stops, clients may wait for a worker of a particular slot. One is vacant, since
  // NeedsOneMore() allows no more workers than there are slots.
  const int slot = scoreboard_.FirstOf(scoreboard_.Find(State::kVacant, last_started_ + 1));
  last_started_ = scoreboard_.EndOf(slot) - 1;
  Start(slot, State::kIdle, back_off_);
}

void Pool::Start(int slot, State state, BackOff& back_off) {
  const absl::Time now = SteadyNow();
  for (int own = slot; own < scoreboard_.EndOf(slot); ++own) started_[static_cast<size_t>(own)] = now;
  // Set first: a worker may change its own state before Start() has returned.
  scoreboard_.SetWorker(slot, state);
  const absl::Status status = workers_.Start(slot);
  if (status.ok()) return;
  scoreboard_.SetWorker(slot, State::kVacant);
  back_off.OnFailure(now, now);
  LOG_FLOOD(WARNING) << "cannot start a worker: " << status.message() << "; trying again";
}

// One idle worker more than needed is kept, so that the next client does not wait for a worker to be started.
void Pool::DismissSurplus() {
  const absl::Time now = SteadyNow();
  if (now < next_dismissal_) return;
  next_dismissal_ = now + kBetweenDismissals;
  if (worker_count() <= options_.workers_min || scoreboard_.Count(State::kIdle) < 2) return;
  if (passes()) workers_.DismissOne();
  if (!passes()) shared_listeners_.DismissOne();
}

// Vacates the slots of workers that have ended. An orderly end is no failure, however young the worker was.
void Pool::ReapWorkers() {
  for (int slot = 0; slot < scoreboard_.all_slots(); ++slot) {
    const State state = scoreboard_.state(slot);
    BackOff& back_off = slot == scoreboard_.udp_slot() ? udp_back_off_ : back_off_;
    if (state == State::kCrashed) back_off.OnFailure(started_[static_cast<size_t>(slot)], SteadyNow());
    if (state == State::kCrashed || state == State::kLeft) scoreboard_.Set(slot, State::kVacant);
  }
}

// How long nothing has to be done if nothing happens. Infinite for a pool of fixed size that is complete.
absl::Duration Pool::UntilNextLook() const {
  if (Signals::stopping()) return absl::Milliseconds(Signals::kMillisecondsBetweenInterrupts);
  absl::Time next = absl::InfiniteFuture();
  if (NeedsOneMore()) next = back_off_.not_before();
  if (NeedsUdpWorker()) next = std::min(next, udp_back_off_.not_before());
  // Without a worker more than that, none can be dismissed, and no timer is needed.
  if (worker_count() > options_.workers_min) next = std::min(next, next_dismissal_);
  const absl::Duration until_next = std::max(next - SteadyNow(), absl::ZeroDuration());
  return room_ == nullptr ? until_next : std::min(until_next, room_->UntilNextLook());
}

int Pool::worker_count() const {
  return (scoreboard_.slots() - scoreboard_.Count(State::kVacant)) / scoreboard_.slots_per_worker();
}

PoolWorker::PoolWorker(PoolParts& parts, int slot, ClientSource& source, ServerContext& context)
    : options_(parts.options),
      scoreboard_(parts.scoreboard),
      shared_listeners_(*parts.shared_listeners),
      has_room_(parts.waiting_room != nullptr),
      slot_(slot),
      context_(context),
      source_(source),
      worker_slot_(context.statistics) {
  if (options_.pin_cpus) PinToCpu(slot);
  context_.others_wait = [this] { return OthersWait(); };
}

PoolWorker::~PoolWorker() {
  context_.others_wait = nullptr;
  scoreboard_.Set(slot_, State::kLeaving);
}

// A worker that is idle, or that the pool may still start, will take the client. With listeners of its own, each worker
// has clients that no other one can take; but if it has several threads, another one of these may be idle.
bool PoolWorker::OthersWait() const {
  const bool shares = options_.accept != AcceptPolicy::kReusePort;
  if (shares && (scoreboard_.Count(State::kIdle) > 0 || scoreboard_.Count(State::kVacant) > 0)) return false;
  for (int own = scoreboard_.FirstOf(slot_); own < scoreboard_.EndOf(slot_); ++own) {
    if (scoreboard_.state(own) == State::kIdle) return false;
  }
  // Those in the room are counted in memory that all workers share.
  if (has_room_) return context_.statistics.TotalOfQueues().waiting > 0;
  return shared_listeners_.HasWaiting(slot_);
}

absl::StatusOr<Connection> PoolWorker::Next() {
  const int most = options_.clients_per_worker;
  // While the server stops, no worker leaves early: another one would have to be started for the clients that are left.
  if (most > 0 && taken_ >= most && !Signals::stopping()) return absl::CancelledError("the worker is to be replaced");
  // Before the wait: the pool must see that this worker is free for the next client.
  scoreboard_.Set(slot_, State::kIdle);
  absl::StatusOr<Connection> client = source_.Next();
  if (!client.ok()) return client;
  ++taken_;
  scoreboard_.Set(slot_, State::kBusy);
  // The pool may start one more. In a pool of fixed size this costs no client a system call.
  const bool may_grow = !options_.has_fixed_size() || Signals::stopping();
  if (may_grow && scoreboard_.Count(State::kIdle) == 0) scoreboard_.Wake();
  return client;
}

}  // namespace polyserve
