#include "backends/event/poller_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/inbox.h"
#include "backends/accept/server_context.h"
#include "backends/connection/fairness.h"
#include "backends/connection/offload.h"
#include "backends/connection/timed_turn.h"
#include "backends/event/event_udp_socket.h"
#include "backends/udp/connected_peers.h"
#include "base/loop_turn.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/shortage.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "net/wake_list.h"

namespace polyserve {

namespace {

bool AnyOwnPorts(const ServerContext& context) {
  return std::any_of(context.listeners.begin(), context.listeners.end(),
                     [](const Listener& listener) { return listener.own_ports; });
}

}  // namespace

// All that may fail for want of descriptors, memory or threads is made here: a loop that runs has what it needs.
absl::StatusOr<std::unique_ptr<PollerLoop>> PollerLoop::Create(ServerContext& context, const WorkerRole* role,
                                                               const PollerLoopOptions& options, StartClient start) {
  // Non-blocking, since a single call that waits would stop all clients of the loop.
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(
      context, {.non_blocking = true, .max_descriptor = options.max_descriptor, .udp = AcceptUdp::kOwnPorts});
  if (!acceptor.ok()) return acceptor.status();
  absl::StatusOr<std::unique_ptr<Poller>> poller = options.make_poller(options.trigger);
  if (!poller.ok()) return poller.status();
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  // After the wake list, through which helpers wake the loop.
  absl::StatusOr<std::unique_ptr<Offload>> offload = Offload::Create(options.offload, **wakes, context.statistics);
  if (!offload.ok()) return offload.status();
  std::unique_ptr<PollerLoop> loop(new PollerLoop(context, role, options, std::move(start), *std::move(acceptor),
                                                  *std::move(poller), *std::move(wakes), *std::move(offload)));
  if (absl::Status status = loop->Watch(); !status.ok()) return status;
  return loop;
}

PollerLoop::PollerLoop(ServerContext& context, const WorkerRole* role, const PollerLoopOptions& options,
                       StartClient start, std::unique_ptr<Acceptor> acceptor, std::unique_ptr<Poller> poller,
                       std::unique_ptr<WakeList> wakes, std::unique_ptr<Offload> offload)
    : context_(context),
      role_(role),
      start_(std::move(start)),
      poller_(std::move(poller)),
      admits_(options.admits),
      accepts_per_turn_(options.accepts_per_turn),
      max_descriptor_(options.max_descriptor),
      acceptor_(std::move(acceptor)),
      wakes_(std::move(wakes)),
      offload_(std::move(offload)),
      // Only makes the descriptor unreadable; Turn() then delivers what has come.
      woken_(*poller_, wakes_->fd(), [this] { wakes_->TakeWake(); }),
      // Signals are the pool's to answer: one of several loops learns of nothing but a stop, through its stop_fd.
      signals_(*poller_, role == nullptr ? Signals::fd() : role->stop_fd, [this] { OnSignals(); }),
      tick_([this] { OnTick(); }),
      resume_accepting_([this] { ResumeAccepting(); }),
      grace_([this] { OnGraceOver(); }) {
  shared_.poller = poller_.get();
  shared_.wakes = wakes_.get();
  shared_.offload = offload_.get();
  shared_.counters = &context.statistics.counters();
  shared_.connection_limit = context.connection_limit.get();
  shared_.limits = ProgressLimits(context.idle_timeout, context.least_rate);
  shared_.turn = TimedTurn(context.request_times);
  shared_.extra_events = options.trigger == Trigger::kEdge ? Poller::kEdge : 0;
  shared_.reads_per_turn = options.trigger == Trigger::kEdge ? kReadsPerTurnWithEdges : 1;
  if (!options.overload.is_set()) return;
  line_.emplace(options.overload, context.statistics.queue());
  shared_.line = &*line_;
}

// Before the members go: peers and clients use the poller, the timers and the wake list until their end. The helpers
// end first, since they may be running sessions of these clients.
PollerLoop::~PollerLoop() {
  offload_.reset();
  shared_.offload = nullptr;
  peers_ready_.reset();
  peers_.reset();
  while (!shared_.clients.empty()) shared_.clients.front().Drop();
}

// So that the server says before it is ready that it cannot watch what it needs.
absl::Status PollerLoop::CheckDescriptors() const {
  int largest = std::max(wakes_->fd(), role_ == nullptr ? Signals::fd() : role_->stop_fd);
  if (role_ != nullptr && role_->inbox != nullptr) largest = std::max(largest, role_->inbox->fd());
  if (peers_ != nullptr) largest = std::max(largest, peers_->wait_fd());
  for (const Listener& listener : context_.listeners) {
    largest = std::max({largest, listener.fd.get(), acceptor_->wait_fd(listener)});
  }
  if (largest <= max_descriptor_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "this model watches no descriptor above ", max_descriptor_, ", and descriptor ", largest,
      " is a listener's or the loop's own: lower --workers, listen at fewer addresses, or choose another model"));
}

absl::Status PollerLoop::OpenPeers() {
  absl::StatusOr<std::unique_ptr<ConnectedUdpPeers>> peers = ConnectedUdpPeers::Create(context_, shared_.timers);
  if (!peers.ok()) return peers.status();
  peers_ = *std::move(peers);
  return absl::OkStatus();
}

// The first error wins; the rest is tried all the same, since Create() then drops the loop as a whole. Peers with a
// port of their own get their epoll only if a service needs it: select(2) has few descriptors to give away.
absl::Status PollerLoop::Watch() {
  if (AnyOwnPorts(context_)) {
    if (absl::Status status = OpenPeers(); !status.ok()) return status;
  }
  if (absl::Status status = CheckDescriptors(); !status.ok()) return status;
  absl::Status status = WatchClients();
  if (peers_ != nullptr) {
    peers_ready_ = std::make_unique<WatchedFd>(*poller_, peers_->wait_fd(), [this] { peers_->Serve(); });
    status.Update(peers_ready_->Watch(Poller::kReadable));
  }
  status.Update(signals_.Watch(Poller::kReadable));
  status.Update(woken_.Watch(Poller::kReadable));
  // Without any limit the tick is infinite, and never set: then an idle loop does not wake up at all.
  shared_.timers.Set(tick_, shared_.limits.tick());
  return status;
}

// Connections, and datagrams. A listener of datagrams whose peers get ports of their own counts as a listener of
// connections: its peers are accepted, too.
absl::Status PollerLoop::WatchClients() {
  absl::Status status;
  for (const Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && !listener.own_ports) {
      ports_.push_back(std::make_unique<EventUdpSocket>(*poller_, listener, context_, shared_.timers, *wakes_));
      status.Update(ports_.back()->Watch());
    } else {
      sources_.push_back(std::make_unique<Source>(*this, &listener, acceptor_->wait_fd(listener)));
    }
  }
  if (has_inbox()) sources_.push_back(std::make_unique<Source>(*this, nullptr, role_->inbox->fd()));
  for (const auto& source : sources_) status.Update(WaitForClients(*source));
  return status;
}

PollerLoop::Source::Source(PollerLoop& loop, const Listener* from, int fd)
    : listener(from), ready(*loop.poller_, fd, [&loop, this] { loop.OnClients(*this); }) {}

absl::Status PollerLoop::Run() {
  const WorkerSlot place(context_.statistics);
  wakes_->BelongToThisThread();
  while (!is_over()) {
    if (absl::Status status = Turn(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Peers with ports of their own count as clients; the others do not, since Drain() has answered and forgotten them.
bool PollerLoop::is_over() const {
  return is_drained_ && shared_.clients.empty() && (peers_ == nullptr || peers_->empty());
}

// The order of a turn. The list is swapped away after EndOfWait() has looked at it, and before anything can join it
// again: a client that uses up this turn as well comes behind the next wait, behind all that is ready by then. Timers
// go after the clients, so that input which has come in time counts before a time-out does. Mail goes last: what was
// said in this turn reaches the members of this loop in the same turn, without a wake-up, each in one piece.
absl::Status PollerLoop::Turn() {
  EventClient::TurnList waiting;
  const Poller::Clock::time_point until = EndOfWait();
  waiting.swap(shared_.wait_for_turn);
  shared_.turn.BeginWait();
  if (absl::Status status = poller_->Wait(until); !status.ok()) return status;
  shared_.turn.EndWait();
  {
    const LoopTurn turn;
    poller_->Dispatch();
  }
  if (line_.has_value()) {
    ServeLine();
    shared_.turn.SetBack(std::chrono::microseconds(0));
  }
  while (!waiting.empty()) {  // A client that was destroyed meanwhile has unlinked itself.
    EventClient& client = waiting.front();
    waiting.pop_front();
    client.OnTurn();  // May destroy the client.
  }
  shared_.timers.RingDue();
  wakes_->Deliver();
  return absl::OkStatus();
}

// At least one, so that the line gets on; then until it is time to look for more.
void PollerLoop::ServeLine() {
  const auto look_again = ReadyLine::Clock::now() + ReadyLine::kBetweenLooks;
  do {
    const ReadyLine::Turn turn = line_->Take();
    if (turn.client == nullptr) return;
    shared_.refused_as = turn.refused_as;
    shared_.turn.SetBack(turn.waited);
    turn.client->OnTurn();  // May destroy the client.
    shared_.refused_as = nullptr;
  } while (ReadyLine::Clock::now() < look_again);
}

// The wake list is looked at before each wait, because a wake-up by this thread itself writes to no descriptor.
Poller::Clock::time_point PollerLoop::EndOfWait() const {
  if (!shared_.wait_for_turn.empty() || !wakes_->empty()) return Poller::kNoWait;
  if (line_.has_value() && !line_->empty()) return Poller::kNoWait;
  return shared_.timers.empty() ? Poller::kForEver : shared_.timers.first();
}

// One of several loops gets here by its stop_fd, and learns of nothing else: the pool answers the other signals.
void PollerLoop::OnSignals() {
  if (role_ != nullptr) return Stop();
  // The handler has only set bits and written to the eventfd. What a handler may not do (write to the log, reap
  // children, open files) is done here, between two clients.
  const unsigned events = Signals::Take();
  AnswerCommonSignals(events, context_);
  if ((events & Signals::kStop) != 0) Stop();
}

// An attempt that brings no client, but finds no shortage either (none is there, or one was refused), ends this
// listener's turn: it is level-triggered, also with --trigger=edge, so the next wait reports whether there are more.
// UDP peers whose datagrams have been read are the exception: no descriptor shows them, so they are all taken now. Each
// datagram read is one peer less that is left, or one that is refused.
void PollerLoop::OnClients(Source& source) {
  const auto has_pending = [&] { return source.listener != nullptr && acceptor_->has_pending(*source.listener); };
  // Of a crowd that comes at once, the other loops are to have their share. But a loop with a line, which may serve a
  // request or two between two looks, would leave what comes in the kernel's queue, where --overload does not see it.
  const int most = shares_listeners() && !line_.has_value() ? 1 : accepts_per_turn_;
  for (int i = 0; i < most || has_pending(); ++i) {
    if (admits_ != nullptr && !admits_()) return PauseAccepting();
    absl::StatusOr<Connection> connection =
        source.listener == nullptr ? acceptor_->TryTake(*role_->inbox) : acceptor_->TryAccept(*source.listener);
    if (absl::IsResourceExhausted(connection.status())) return PauseAccepting();
    if (absl::IsFailedPrecondition(connection.status())) return AwaitPlace();
    if (absl::IsCancelled(connection.status())) return OnInboxEnd();
    if (!connection.ok() && !has_pending()) break;
    if (connection.ok()) Start(*std::move(connection));
  }
  if (shares_listeners() && !WaitForClients(source).ok()) PauseAccepting();
}

// If other loops wait at the same listener, asking anew puts this one behind them (Poller::Change()): the next client
// is for one of them, unless it is to wake all.
absl::Status PollerLoop::WaitForClients(Source& source) {
  const bool wakes_one = shares_listeners() && !role_->wakes_all && !source.listener->has_datagrams();
  return source.ready.Watch(Poller::kReadable | (wakes_one ? Poller::kExclusive : 0));
}

// The server is full: waits for the event that a connection, of whatever loop, has ended. If this poller cannot watch
// that descriptor, it looks again after a pause instead.
void PollerLoop::AwaitPlace() {
  if (acceptor_->capacity_fd() > max_descriptor_) return PauseAccepting();
  // Made at first need, because most servers are never full.
  if (capacity_ == nullptr) {
    capacity_ = std::make_unique<WatchedFd>(*poller_, acceptor_->capacity_fd(), [this] { OnCapacity(); });
  }
  if (!capacity_->Watch(Poller::kReadable).ok()) return PauseAccepting();
  SetAccepting(false);
}

// The event is taken before the next attempt: a place that becomes free after it makes another one.
void PollerLoop::OnCapacity() {
  // Watched only while the server is full: otherwise each connection that ends, of any loop, could end a wait here.
  capacity_->StopWatching();
  acceptor_->TakeCapacityEvent();
  ResumeAccepting();
}

// Not accepting means not watching: a listener whose client cannot be accepted stays readable, and would end every wait
// at once. All sources pause, because it is the process that has run short.
void PollerLoop::PauseAccepting() {
  SetAccepting(false);
  shared_.timers.Set(resume_accepting_, kShortagePause);
}

// UDP peers whose datagrams were read before the pause are taken at once, because no wait would show them.
void PollerLoop::ResumeAccepting() {
  if (takes_backlog_) return TakeBacklog();
  SetAccepting(true);
  for (const auto& source : sources_) {
    if (source->listener != nullptr && acceptor_->has_pending(*source->listener)) OnClients(*source);
  }
}

void PollerLoop::SetAccepting(bool accepting) {
  bool complete = true;
  for (const auto& source : sources_) {
    if (!accepting) source->ready.StopWatching();
    if (accepting) complete = WaitForClients(*source).ok() && complete;
  }
  if (!complete) PauseAccepting();  // The system has no room for what we watch: tried again later.
}

void PollerLoop::Start(Connection connection) {
  if (connection.listener->own_ports) return peers_->Start(std::move(connection));
  start_(std::move(connection), shared_);
}

// The clock only counts, so that no request costs a look at the time. It ticks in parts of the shorter of the two
// limits, as a rule the least rate's window. Datagrams know the idle time-out alone, so they get every n-th tick.
void PollerLoop::OnTick() {
  // Set anew each time: a long turn delays the ticks that follow, and the clock never ticks twice to catch up.
  shared_.timers.Set(tick_, shared_.limits.tick());
  ++shared_.ticks;
  if (const uint32_t parts = shared_.limits.ticks_per_idle_tick(); parts > 0 && shared_.ticks % parts == 0) {
    if (peers_ != nullptr) peers_->OnTick();
    for (const auto& port : ports_) port->OnTick();
  }
  for (auto next = shared_.clients.begin(); next != shared_.clients.end();) {
    (next++)->OnTick();  // May destroy the client.
  }
}

// shared_.stopping is set first: a client that is accepted from the backlog then starts as one of a server that stops.
// The listeners close last, because until then clients that had connected before wait in their queues. stop_fd stays
// readable for good, so it must not be watched any longer.
void PollerLoop::Stop() {
  if (std::exchange(shared_.stopping, true)) return;
  Signals::RequestStop();  // If the pool answers the signals, perhaps in another process.
  if (role_ != nullptr) signals_.StopWatching();
  // The grace ends without a signal, so a timer has to report it.
  shared_.timers.Set(grace_, Signals::GraceLeft());
  for (const auto& port : ports_) port->Drain();
  if (peers_ != nullptr) peers_->OnStop();
  TellClients();
  if (!has_inbox()) EndAccepting();
}

void PollerLoop::OnGraceOver() {
  shared_.grace_over = true;
  TellClients();
}

// A client may destroy itself in the call, but no other (event_client.h), so the next one is looked up before.
void PollerLoop::TellClients() {
  for (auto next = shared_.clients.begin(); next != shared_.clients.end();) {
    (next++)->OnStop();  // May destroy the client.
  }
}

void PollerLoop::OnInboxEnd() {
  Stop();
  EndAccepting();
}

// The listeners are not watched from here on; TakeBacklog() comes back by itself if it has to wait.
void PollerLoop::EndAccepting() {
  takes_backlog_ = true;
  resume_accepting_.Cancel();
  if (capacity_ != nullptr) capacity_->StopWatching();
  SetAccepting(false);
  TakeBacklog();
}

// Clients that were in the queue may have sent a request already, so they are still served; no others are accepted. The
// loop goes on meanwhile: connections that end make room for the clients that are left.
void PollerLoop::TakeBacklog() {
  while (true) {
    absl::StatusOr<Connection> connection = acceptor_->NextOfBacklog();
    if (absl::IsResourceExhausted(connection.status())) return PauseAccepting();
    if (absl::IsFailedPrecondition(connection.status())) return AwaitPlace();
    if (!connection.ok()) return OnDrained();
    Start(*std::move(connection));
  }
}

void PollerLoop::OnDrained() {
  is_drained_ = true;
  if (role_ != nullptr) role_->on_drained();
}

}  // namespace polyserve
