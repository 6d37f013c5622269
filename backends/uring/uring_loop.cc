#include "backends/uring/uring_loop.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/inbox.h"
#include "backends/connection/fairness.h"
#include "backends/connection/timed_turn.h"
#include "base/loop_turn.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/shortage.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "trace/trace.h"

namespace polyserve {

namespace {

// The kernel's own type: its fields have 64 bits on all systems, which those of timespec need not have.
__kernel_timespec ToKernelTimespec(absl::Duration duration) {
  const timespec value = absl::ToTimespec(duration);
  return {value.tv_sec, value.tv_nsec};
}

}  // namespace

UringLoop::UringLoop(ServerContext& context, const WorkerRole* role, std::unique_ptr<Acceptor> acceptor,
                     std::unique_ptr<UringRing> ring, std::unique_ptr<WakeList> wakes, std::unique_ptr<Offload> offload)
    : context_(context),
      role_(role),
      ring_(std::move(ring)),
      wakes_(std::move(wakes)),
      offload_(std::move(offload)),
      acceptor_(std::move(acceptor)) {
  shared_.ring = ring_.get();
  shared_.wakes = wakes_.get();
  shared_.offload = offload_.get();
  shared_.counters = &context.statistics.counters();
  shared_.connection_limit = context.connection_limit.get();
  shared_.limits = ProgressLimits(context.idle_timeout, context.least_rate);
  shared_.turn = TimedTurn(context.request_times);
  tick_ = ToKernelTimespec(shared_.limits.tick());
  pause_ = ToKernelTimespec(kShortagePause);
  for (const Listener& listener : context.listeners) {
    ports_.push_back({&listener, nullptr});
    if (!listener.has_datagrams() || listener.own_ports) continue;
    ports_.back().datagrams = std::make_unique<UdpSocket>(listener, context, shared_.timers, *wakes_);
  }
  // The last port: operations will point to them, so the vector must not grow any more.
  if (role != nullptr && role->inbox != nullptr) ports_.push_back({nullptr, nullptr});
}

absl::Status UringLoop::OpenPeers() {
  absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> peers = ConnectedUdpPeers::Create(context_, shared_.timers);
  if (!peers.ok()) return peers.status();
  peers_ = *std::move(peers);
  return absl::OkStatus();
}

// Mail is delivered twice in an iteration. Before the wait: what connections have left for each other in Proceed()
// makes them due, so the loop must not wait. After the completions: what a helper or another thread has left is
// answered in the same batch. The wake list is looked at last before the wait, because a wake-up by this thread writes
// to no descriptor.
absl::Status UringLoop::Run() {
  const WorkerSlot place(context_.statistics);
  // Only prepared: the kernel learns of these operations by the first submission below.
  for (Port& port : ports_) Open(port);
  AwaitSignals();
  AwaitPeers();
  AwaitWake();
  wakes_->BelongToThisThread();
  if (shared_.limits.tick() != absl::InfiniteDuration()) AwaitTick();
  do {
    wakes_->Deliver();
    const bool may_wait = shared_.due.empty() && shared_.awaiting_buffer.empty() && wakes_->empty();
    shared_.turn.BeginWait();
    const absl::Status status = may_wait ? ring_->SubmitAndWait() : ring_->Submit();
    if (!status.ok()) return status;  // The connections are not freed: the kernel may still use their memory.
    shared_.turn.EndWait();
    {
      const LoopTurn turn;
      ring_->TakeCompletions([this](const io_uring_cqe& completion) { Dispatch(completion); });
    }
    wakes_->Deliver();
    Proceed();
    if (!shared_.timers.empty()) AwaitAlarm();
    if (!shared_.lingering.empty() && !awaits_linger_end_) AwaitLingerEnd();
  } while (!is_over());
  return ring_->SubmitAll();  // The last connections' closing.
}

// Outputs that were left to the kernel come back soon, since their connections were reset.
bool UringLoop::is_over() const {
  return is_drained_ && shared_.connections.empty() && shared_.lingering.empty() && shared_.lent == 0 &&
         peers_->empty();
}

// The kernel's answer to a poll or a timer is not looked at: an operation that was cancelled, or has failed, leads to
// the same attempt, which then finds out.
void UringLoop::Dispatch(const io_uring_cqe& completion) {
  switch (OperationOf(completion)) {
    case Operation::kUnwatched:
      return;
    case Operation::kSignals:
      return OnSignals();
    case Operation::kWoken:
      return OnReady();
    case Operation::kTick:
      return OnTick();
    case Operation::kLingerEnd:
      return OnLingerEnd();
    case Operation::kAlarm:
      // Run() starts the next one, if a timer is set.
      alarm_at_ = Timer::Clock::time_point::max();
      return shared_.timers.RingDue();
    case Operation::kAccept:
      return OnAccepted(ObjectOf<Port>(completion), completion);
    case Operation::kAcceptable:
      return OnAcceptable(ObjectOf<Port>(completion));
    case Operation::kPauseEnd:
      // Also at the end of a mere pause: taking an event that is not there does no harm.
      acceptor_->TakeCapacityEvent();
      // At once, without a poll before it: UDP peers whose datagrams were read before the pause would not be seen.
      return OnAcceptable(ObjectOf<Port>(completion));
    case Operation::kDatagrams:
      return OnDatagrams(ObjectOf<Port>(completion));
    case Operation::kGraceOver:
      return OnGraceOver();
    case Operation::kBacklog:
      acceptor_->TakeCapacityEvent();
      return TakeBacklog();
    case Operation::kPeers:
      peers_->Serve();
      return AwaitPeers();
    case Operation::kReceive:
      return ObjectOf<UringConnection>(completion).OnReceived(completion);
    case Operation::kSend:
      return ObjectOf<UringConnection>(completion).OnSent(completion.res);
    case Operation::kSendLent:
      return UringConnection::OnSentLent(ObjectOf<UringUnsent>(completion), completion, shared_);
    case Operation::kWritable:
      return ObjectOf<UringConnection>(completion).OnWritable();
    case Operation::kUpstream:
      return ObjectOf<UringConnection>(completion).OnUpstream(completion.res);
  }
}

// The list is swapped away: a connection that comes back for its next turn goes behind the next batch of completions.
// All buffers of this batch are back by now, so at the end the receives that waited for one are started.
void UringLoop::Proceed() {
  shared_.ran_task = false;
  turn_.swap(shared_.due);
  for (UringConnection* connection : turn_) connection->Proceed();
  turn_.clear();
  UringConnection::ReceiveInTurn(shared_);
}

void UringLoop::Open(Port& port) {
  if (port.listener == nullptr) return AwaitAcceptable(port);
  if (port.datagrams != nullptr) return AwaitDatagrams(port);
  // With a connection limit, it polls first: the ring would accept clients that there is no room for.
  context_.connection_limit == nullptr ? Accept(port) : AwaitAcceptable(port);
}

void UringLoop::Start(Connection connection) {
  if (connection.listener->own_ports) return peers_->Start(std::move(connection));
  UringConnection::Start(std::move(connection), shared_);
}

// One operation accepts all clients, until something goes wrong. If several rings wait at the listener, it accepts one
// client: the kernel wakes the ring that is first in the row, which by asking again takes its place behind the others.
void UringLoop::Accept(Port& port) {
  if (port.listener->own_ports) return AwaitAcceptable(port);  // Nothing that the kernel knows how to accept.
  port.operation = Operation::kAccept;
  io_uring_sqe* accept = ring_->Prepare(Tag(port.operation, &port));
  const int fd = port.listener->fd.get();
  // Non-blocking for sendfile(2), which the connection calls itself. Receives and sends of the ring wait all the same,
  // unless MSG_DONTWAIT forbids it.
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (role_ != nullptr && role_->shares_listeners) {
    io_uring_prep_accept(accept, fd, nullptr, nullptr, kFlags);
  } else {
    io_uring_prep_multishot_accept(accept, fd, nullptr, nullptr, kFlags);
  }
}

// The kernel has accepted already, so a client that comes by here during a stop is served, too. Only no further accept
// is started.
void UringLoop::OnAccepted(Port& port, const io_uring_cqe& completion) {
  if (completion.res >= 0) {
    if (Trace::on()) {
      Trace::NoteAccepted(Trace::Now(), port.listener->fd.get(), completion.res, __builtin_return_address(0));
    }
    // No limit has to be asked: if there is one, Open() polls instead.
    Counters::Add(OfService(*shared_.counters, port.listener->number).accepted, 1);
    UringConnection::Start({UniqueFd(completion.res), port.listener}, shared_);
  }
  // The multishot accept goes on. Without the flag it has ended: by an error, by a cancellation, or because it was for
  // one client.
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  if (Ends(port)) return;
  if (completion.res >= 0) Accept(port);
  if (completion.res < 0) AwaitAcceptable(port);
}

// After an error, a shortage of descriptors above all, clients are accepted one by one, as the other models do, until
// none is left. (Starting the multishot accept again would not do: the kernel takes a descriptor for the next client
// before there is one, and would fail again at once.)
void UringLoop::AwaitAcceptable(Port& port) {
  port.operation = Operation::kAcceptable;
  const int fd = port.listener == nullptr ? role_->inbox->fd() : acceptor_->wait_fd(*port.listener);
  io_uring_prep_poll_add(ring_->Prepare(Tag(port.operation, &port)), fd, POLLIN);
}

// Open() at the end: once none is left, a listener goes back to the operation that accepts all clients. UDP peers whose
// datagrams have been read already are all taken now, as in PollerLoop::OnClients(), because no poll would show them.
void UringLoop::OnAcceptable(Port& port) {
  if (Ends(port)) return;
  const auto has_pending = [&] { return port.listener != nullptr && acceptor_->has_pending(*port.listener); };
  for (int i = 0; i < kAcceptsPerTurn || has_pending(); ++i) {
    absl::StatusOr<Connection> connection =
        port.listener == nullptr ? acceptor_->TryTake(*role_->inbox) : acceptor_->TryAccept(*port.listener);
    if (absl::IsResourceExhausted(connection.status())) return PauseAccepting(port);
    if (absl::IsFailedPrecondition(connection.status())) return AwaitPlace(port);
    if (absl::IsCancelled(connection.status())) {
      // The pool closes an inbox only at a stop, when no client is left to be dealt out.
      inbox_ended_ = true;
      return Stop();
    }
    if (!connection.ok() && !has_pending()) return Open(port);
    if (connection.ok()) Start(*std::move(connection));
  }
  AwaitAcceptable(port);
}

// By the same operation as a pause: both end with a new attempt.
void UringLoop::AwaitPlace(Port& port) {
  port.operation = Operation::kPauseEnd;
  io_uring_prep_poll_add(ring_->Prepare(Tag(port.operation, &port)), acceptor_->capacity_fd(), POLLIN);
}

// Waits for what comes, or, if an answer could not be sent, for room. The ring only polls here: UdpSocket, which serves
// the other models as well, receives and sends by itself.
void UringLoop::AwaitDatagrams(Port& port) {
  port.operation = Operation::kDatagrams;
  io_uring_prep_poll_add(ring_->Prepare(Tag(port.operation, &port)), port.datagrams->fd(),
                         port.datagrams->is_blocked() ? POLLOUT : POLLIN);
}

void UringLoop::OnDatagrams(Port& port) {
  if (Ends(port)) return;
  port.datagrams->Serve();
  AwaitDatagrams(port);
}

// The peers that have a socket of their own, all with one poll.
void UringLoop::AwaitPeers() {
  io_uring_prep_poll_add(ring_->Prepare(Tag(Operation::kPeers)), peers_->wait_fd(), POLLIN);
}

void UringLoop::PauseAccepting(Port& port) {
  port.operation = Operation::kPauseEnd;
  // The kernel reads the time only when the operation is submitted, so it must not be a local variable.
  io_uring_prep_timeout(ring_->Prepare(Tag(port.operation, &port)), &pause_, 0, 0);
}

// Notes that the port's operation has completed. True if it was the last one, because of a stop.
bool UringLoop::Ends(Port& port) {
  port.operation = Operation::kUnwatched;
  // During a stop an inbox is watched on, because the pool first deals out its own backlog.
  if (!shared_.stopping || awaits_clients(port)) return false;
  DrainIfQuiet();
  return true;
}

// A poll of the ring reports once (io_uring_prep_poll_add(3)), so each On...() starts the next one.
void UringLoop::AwaitSignals() {
  const int fd = role_ == nullptr ? Signals::fd() : role_->stop_fd;
  io_uring_prep_poll_add(ring_->Prepare(Tag(Operation::kSignals)), fd, POLLIN);
}

// stop_fd stays readable for good, so one of several loops does not ask for it again: each poll would complete at once.
void UringLoop::OnSignals() {
  if (role_ != nullptr) return Stop();
  const unsigned events = Signals::Take();
  AnswerCommonSignals(events, context_);
  if ((events & Signals::kStop) != 0) Stop();
  AwaitSignals();
}

void UringLoop::AwaitWake() { io_uring_prep_poll_add(ring_->Prepare(Tag(Operation::kWoken)), wakes_->fd(), POLLIN); }

// Run() delivers to the clients, when all completions of the batch are noted.
void UringLoop::OnReady() {
  wakes_->TakeWake();
  AwaitWake();
}

// A listener is closed only when no operation holds it any more. So a stop begins by cancelling these; clients that are
// accepted meanwhile are served like all others. An inbox is watched to its end.
void UringLoop::Stop() {
  if (!std::exchange(shared_.stopping, true)) {
    Signals::RequestStop();  // If another loop answers the signals, perhaps in another process.
    grace_ = ToKernelTimespec(std::max(Signals::GraceLeft(), absl::Nanoseconds(1)));
    io_uring_prep_timeout(ring_->Prepare(Tag(Operation::kGraceOver)), &grace_, 0, 0);
    peers_->OnStop();
    TellConnections();
    for (const Port& port : ports_) {
      if (port.operation != Operation::kUnwatched && !awaits_clients(port)) {
        // Completes in any case, with ECANCELED or with a client, and then calls Ends().
        ring_->Cancel(Tag(port.operation, &port));
      }
    }
  }
  DrainIfQuiet();
}

void UringLoop::OnGraceOver() {
  shared_.grace_over = true;
  TellConnections();
}

// OnStop() only notes, so neither list changes in the loops.
void UringLoop::TellConnections() {
  for (UringConnection& connection : shared_.connections) connection.OnStop();
  for (UringConnection& connection : shared_.lingering) connection.OnStop();
}

// Called whenever an operation of a port has completed during a stop; the last one begins the drain. Datagrams are
// drained first, since TakeBacklog() closes their sockets, too.
void UringLoop::DrainIfQuiet() {
  for (const Port& port : ports_) {
    if (port.operation != Operation::kUnwatched || awaits_clients(port)) return;
  }
  for (const Port& port : ports_) {
    if (port.datagrams != nullptr) port.datagrams->Drain();
  }
  TakeBacklog();
}

// Clients that were in the queue may have sent a request already, so they are still served; no others are accepted. The
// loop goes on meanwhile: connections that end make room for the clients that are left.
void UringLoop::TakeBacklog() {
  while (true) {
    absl::StatusOr<Connection> connection = acceptor_->NextOfBacklog();
    if (absl::IsResourceExhausted(connection.status())) {
      // Its completion calls this function again; so does that of the poll below.
      return io_uring_prep_timeout(ring_->Prepare(Tag(Operation::kBacklog)), &pause_, 0, 0);
    }
    if (absl::IsFailedPrecondition(connection.status())) {
      return io_uring_prep_poll_add(ring_->Prepare(Tag(Operation::kBacklog)), acceptor_->capacity_fd(), POLLIN);
    }
    if (!connection.ok()) break;
    Start(*std::move(connection));
  }
  is_drained_ = true;
  if (role_ != nullptr) role_->on_drained();
}

// A count of 0 makes it a plain timer, which other completions do not end.
void UringLoop::AwaitTick() { io_uring_prep_timeout(ring_->Prepare(Tag(Operation::kTick)), &tick_, 0, 0); }

// The operation is started anew each time, so a tick that comes late delays the later ones. That is good enough for a
// coarse clock, and it never ticks twice to catch up. As in TellConnections(), the connections only note what follows.
void UringLoop::OnTick() {
  ++shared_.ticks;
  if (const uint32_t parts = shared_.limits.ticks_per_idle_tick(); parts > 0 && shared_.ticks % parts == 0) {
    peers_->OnTick();
    for (const Port& port : ports_) {
      if (port.datagrams != nullptr) port.datagrams->OnTick();
    }
  }
  for (UringConnection& connection : shared_.connections) connection.OnTick();
  AwaitTick();
}

// One kernel timer serves all timers. If a sooner one is set, it gets one more; those that are not needed any more find
// nothing due.
void UringLoop::AwaitAlarm() {
  const Timer::Clock::time_point first = shared_.timers.first();
  if (alarm_at_ <= first) return;
  alarm_at_ = first;
  const absl::Duration left = absl::FromChrono(first - Timer::Clock::now());
  // With SQPOLL the kernel may not have read the time of the operation before. That then ends at some other time, which
  // does no harm: this one is sooner.
  timer_ = ToKernelTimespec(std::max(left, absl::Nanoseconds(1)));
  io_uring_prep_timeout(ring_->Prepare(Tag(Operation::kAlarm)), &timer_, 0, 0);
}

// All linger equally long, so that one timer, for the first of them, is enough.
void UringLoop::AwaitLingerEnd() {
  awaits_linger_end_ = true;
  linger_ = ToKernelTimespec(absl::Milliseconds(shared_.lingering.front().LingerMilliseconds()));
  io_uring_prep_timeout(ring_->Prepare(Tag(Operation::kLingerEnd)), &linger_, 0, 0);
}

void UringLoop::OnLingerEnd() {
  awaits_linger_end_ = false;
  while (!shared_.lingering.empty() && shared_.lingering.front().is_done_lingering()) {
    shared_.lingering.front().OnLingerEnd();
  }
}

}  // namespace polyserve
