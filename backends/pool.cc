#include "backends/pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "backends/blocking_driver.h"
#include "backends/datagram_driver.h"
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
    : options_(options),
      board_(board),
      entrance_(entrance),
      crew_(crew),
      acceptor_(context, {.non_blocking = options.are_loops,
                          .peers = options.are_loops ? Acceptor::Peers::kNone : Acceptor::Peers::kAll,
                          .accepts_connections = options.accept == AcceptPolicy::kPass,
                          .on_child_ended = [&crew] { crew.ReapEnded(); }}),
      started_(static_cast<size_t>(board.slots())),
      least_(options.workers),
      next_dismissal_(SteadyNow() + kBetweenDismissals),
      takes_peers_(!options.are_loops && options.accept != AcceptPolicy::kPass && TakesDatagrams(context)) {}

void Pool::Run() {
  while (!Signals::stopping()) {
    const bool accepts = HasRoom();
    Attend(accepts);
    if (!accepts) continue;
    // Should the worker that was idle have ended meanwhile, the client waits for its replacement.
    absl::StatusOr<Connection> client = acceptor_.TakeSeen();
    if (client.ok()) HandOver(*std::move(client));
  }
  if (passes()) PassBacklog();
  while (true) {
    if (takes_peers_) PassPeersOfBacklog();
    is_drained_ = entrance_.ShutDownEmpty() && !takes_peers_ && !entrance_.HasPeersOnTheirWay() && !crew_.HasUntaken();
    if (is_drained_ && living() == 0) return;
    Attend(false);
  }
}

bool Pool::HasRoom() {
  if (passes()) return crew_.HasRoom();
  return takes_peers_ && entrance_.HasRoomForPeer(board_.Count(State::kIdle));
}

void Pool::HandOver(Connection client) {
  passes() ? crew_.HandOver(std::move(client)) : entrance_.PassPeer(std::move(client));
}

// As many as there is room for; where nobody waits any more, that was it.
void Pool::PassPeersOfBacklog() {
  while (takes_peers_ && (!acceptor_.HasPeersWaiting() || HasRoom())) {
    absl::StatusOr<Connection> peer = acceptor_.NextOfBacklog();
    takes_peers_ = peer.ok();
    if (peer.ok()) HandOver(*std::move(peer));
  }
}

void Pool::PassBacklog() {
  while (!entrance_.ShutDownEmpty() || acceptor_.HasPeersWaiting()) {
    if (!crew_.HasRoom()) {
      Attend(false);
      continue;
    }
    absl::StatusOr<Connection> client = acceptor_.NextOfBacklog();
    if (!client.ok()) break;
    crew_.HandOver(*std::move(client));
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
  if (!options_.has_fixed_size() && !Signals::stopping()) DismissSurplus();
}

bool Pool::NeedsOneMore() const {
  const bool all_are_busy = board_.Count(State::kIdle) == 0;
  if (Signals::stopping()) return !is_drained_ && all_are_busy && living() < options_.workers;
  return living() < least_ || (all_are_busy && living() < options_.workers_max);
}

void Pool::Hire() {
  // Each in its turn: while the server stops, clients may wait for a worker of a particular slot.
  const int slot = board_.Find(State::kVacant, last_hired_ + 1);
  last_hired_ = slot;
  const absl::Time now = SteadyNow();
  started_[static_cast<size_t>(slot)] = now;
  board_.Set(slot, State::kIdle);
  const absl::Status status = crew_.Start(slot);
  if (status.ok()) return;
  board_.Set(slot, State::kVacant);
  back_off_.OnFailure(now, now);
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
  for (int slot = 0; slot < board_.slots(); ++slot) {
    const State state = board_.state(slot);
    if (state == State::kCrashed) back_off_.OnFailure(started_[static_cast<size_t>(slot)], SteadyNow());
    if (state == State::kCrashed || state == State::kLeft) board_.Set(slot, State::kVacant);
  }
}

absl::Duration Pool::UntilNextLook() const {
  if (Signals::stopping()) return kBetweenInterrupts;
  absl::Time next = absl::InfiniteFuture();
  if (NeedsOneMore()) next = back_off_.not_before();
  if (living() > options_.workers_min) next = std::min(next, next_dismissal_);
  return std::max(next - SteadyNow(), absl::ZeroDuration());
}

int Pool::living() const { return board_.slots() - board_.Count(State::kVacant); }

void ServeClients(ClientSource& source, PoolBoard& board, int slot, const PoolOptions& options, ServeContext& context) {
  if (options.pin_cpus) PinToCpu(slot);
  const WorkerPlace place(context.statistics);
  const int most = options.clients_per_worker;
  const bool takes_peers = TakesDatagrams(context);
  // While the server stops, nobody leaves early: another one would have to be started for what is left.
  for (int served = 0; most == 0 || served < most || Signals::stopping(); ++served) {
    board.Set(slot, State::kIdle);
    if (takes_peers) board.Wake();  // A peer may wait for somebody to be idle.
    absl::StatusOr<Connection> client = source.Next();
    if (!client.ok()) break;
    board.Set(slot, State::kBusy);
    const bool may_grow = !options.has_fixed_size() || Signals::stopping();
    if (may_grow && board.Count(State::kIdle) == 0) board.Wake();  // Time for one more.
    DriveBlocking(*std::move(client), context, kBlankPatienceInPool);
  }
  board.Set(slot, State::kLeaving);
}

}  // namespace polyserve
