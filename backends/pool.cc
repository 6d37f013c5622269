#include "backends/pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "backends/blocking_driver.h"
#include "base/logging.h"
#include "net/cpu.h"
#include "net/signals.h"

namespace polyserve {

namespace {

using State = PoolBoard::State;

constexpr absl::Duration kBetweenDismissals = absl::Seconds(1);
constexpr absl::Duration kBetweenInterrupts = absl::Milliseconds(50);

// For differences only: it starts anywhere, but nobody sets this clock.
absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

Pool::Pool(ServeContext& context, const PoolOptions& options, PoolBoard& board, Entrance& entrance, Crew& crew)
    : context_(context),
      options_(options),
      board_(board),
      entrance_(entrance),
      crew_(crew),
      acceptor_(context,
                {.non_blocking = options.are_loops, .accepts_connections = options.accept == AcceptPolicy::kPass}),
      started_(static_cast<size_t>(board.all_slots())),
      least_(options.workers),
      next_dismissal_(SteadyNow() + kBetweenDismissals) {}

void Pool::Run() {
  while (!Signals::stopping()) {
    const bool accepts = passes() && crew_.HasRoom();
    Attend(accepts);
    if (!accepts) continue;
    // Should the worker that was idle have ended meanwhile, the client waits for its replacement.
    absl::StatusOr<Connection> client = acceptor_.TakeSeen();
    if (client.ok()) crew_.HandOver(*std::move(client));
  }
  if (passes()) PassBacklog();
  while (true) {
    CloseDrainedUdp();
    is_drained_ = entrance_.ShutDownEmpty() && !crew_.HasUntaken();
    if (is_drained_ && living() == 0 && !has_udp_worker()) return;
    Attend(false);
  }
}

void Pool::PassBacklog() {
  while (!entrance_.ShutDownEmpty()) {
    if (!crew_.HasRoom()) {
      Attend(false);
      continue;
    }
    absl::StatusOr<Connection> client = acceptor_.NextOfBacklog();
    if (absl::IsCancelled(client.status())) break;
    client.ok() ? crew_.HandOver(*std::move(client)) : Attend(false);
  }
  crew_.DismissAll();
}

// One round: brings the pool to its size, and waits until something has happened.
void Pool::Attend(bool for_clients) {
  if (Signals::stopping()) crew_.Interrupt();
  Staff();
  acceptor_.Wait({.clients = for_clients, .also = board_.wake_fd(), .at_most = UntilNextLook()});
  board_.TakeWakes();
  Bury();
}

void Pool::Staff() {
  if (living() >= least_) least_ = options_.workers_min;  // The first ones are all there.
  while (NeedsOneMore() && SteadyNow() >= back_off_.not_before()) Hire();
  if (NeedsUdpWorker() && SteadyNow() >= udp_back_off_.not_before()) {
    Start(board_.udp_slot(), State::kBusy, udp_back_off_);
  }
  if (!options_.has_fixed_size() && !Signals::stopping()) DismissSurplus();
}

bool Pool::NeedsOneMore() const {
  const bool all_are_busy = board_.Count(State::kIdle) == 0;
  if (Signals::stopping()) return !is_drained_ && all_are_busy && living() < options_.workers;
  return living() < least_ || (all_are_busy && living() < options_.workers_max);
}

bool Pool::NeedsUdpWorker() const {
  return board_.udp_slot() >= 0 && board_.state(board_.udp_slot()) == State::kVacant && !udp_is_drained_;
}

// It takes no more peers: whoever sends something from now on is told so by the system.
void Pool::CloseDrainedUdp() {
  if (udp_is_drained_ || board_.udp_slot() < 0 || board_.state(board_.udp_slot()) != State::kLeaving) return;
  udp_is_drained_ = true;
  for (Listener& listener : context_.listeners) {
    if (listener.has_datagrams()) listener.Close();
  }
}

void Pool::Hire() {
  // Each in its turn: while the server stops, clients may wait for a worker of a particular slot.
  const int slot = board_.Find(State::kVacant, last_hired_ + 1);
  last_hired_ = slot;
  Start(slot, State::kIdle, back_off_);
}

void Pool::Start(int slot, State state, BackOff& back_off) {
  const absl::Time now = SteadyNow();
  started_[static_cast<size_t>(slot)] = now;
  board_.Set(slot, state);
  const absl::Status status = crew_.Start(slot);
  if (status.ok()) return;
  board_.Set(slot, State::kVacant);
  back_off.OnFailure(now, now);
  LOG_EVERY_N(WARNING, 10) << "cannot start a worker: " << status.message() << "; trying again";
}

// One more than needed is kept, so that the next client need not wait for a worker to be started.
void Pool::DismissSurplus() {
  const absl::Time now = SteadyNow();
  if (now < next_dismissal_) return;
  next_dismissal_ = now + kBetweenDismissals;
  if (living() <= options_.workers_min || board_.Count(State::kIdle) < 2) return;
  if (passes()) crew_.DismissOne();
  if (!passes()) entrance_.DismissOne();
}

// Makes room for others in the slots of those who have ended.
void Pool::Bury() {
  for (int slot = 0; slot < board_.all_slots(); ++slot) {
    const State state = board_.state(slot);
    BackOff& back_off = slot == board_.udp_slot() ? udp_back_off_ : back_off_;
    if (state == State::kCrashed) back_off.OnFailure(started_[static_cast<size_t>(slot)], SteadyNow());
    if (state == State::kCrashed || state == State::kLeft) board_.Set(slot, State::kVacant);
  }
}

absl::Duration Pool::UntilNextLook() const {
  if (Signals::stopping()) return kBetweenInterrupts;
  absl::Time next = absl::InfiniteFuture();
  if (NeedsOneMore()) next = back_off_.not_before();
  if (NeedsUdpWorker()) next = std::min(next, udp_back_off_.not_before());
  if (living() > options_.workers_min) next = std::min(next, next_dismissal_);
  return std::max(next - SteadyNow(), absl::ZeroDuration());
}

int Pool::living() const { return board_.slots() - board_.Count(State::kVacant); }

void ServeClients(ClientSource& source, PoolBoard& board, int slot, const PoolOptions& options, ServeContext& context) {
  if (options.pin_cpus) PinToCpu(slot);
  const WorkerPlace place(context.statistics);
  const int most = options.clients_per_worker;
  // While the server stops, nobody leaves early: another one would have to be started for what is left.
  for (int served = 0; most == 0 || served < most || Signals::stopping(); ++served) {
    board.Set(slot, State::kIdle);
    absl::StatusOr<Connection> client = source.Next();
    if (!client.ok()) break;
    board.Set(slot, State::kBusy);
    const bool may_grow = !options.has_fixed_size() || Signals::stopping();
    if (may_grow && board.Count(State::kIdle) == 0) board.Wake();  // Time for one more.
    DriveBlocking(*std::move(client), context);
  }
  board.Set(slot, State::kLeaving);
}

}  // namespace polyserve
