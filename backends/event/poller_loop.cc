#include "backends/event/poller_loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/connection/fairness.h"
#include "base/descriptor_limit.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// libevent's, on Linux.
constexpr const char* kMethods[] = {"select", "poll", "epoll"};

// With edge triggering a reader goes on until the socket is empty, but not at the cost of the others.
constexpr int kReadsPerTurnWithEdges = 16;

// libevent ends the process if it cannot get the few descriptors that it needs for itself, so they are tried first.
constexpr int kDescriptorsOfLibevent = 4;

bool AnyOwnPorts(const ServerContext& context) {
  return std::any_of(context.listeners.begin(), context.listeners.end(),
                     [](const Listener& listener) { return listener.own_ports; });
}

}  // namespace

absl::StatusOr<PollerLoop::BasePointer> PollerLoop::MakeBase(const PollerLoopOptions& options) {
  absl::Status status = CheckDescriptorsAreLeft(kDescriptorsOfLibevent, "an event loop needs descriptors");
  if (!status.ok()) return status;
  const std::unique_ptr<event_config, void (*)(event_config*)> config(event_config_new(), &event_config_free);
  // The environment (EVENT_NOEPOLL and the like) must not change what is measured; one thread needs no locks.
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
  if (options.method != nullptr) {
    // (Not by event_get_supported_methods(): its answer is one for all threads, and freed by the next who ask.)
    for (const char* method : kMethods) {
      if (std::strcmp(method, options.method) != 0) event_config_avoid_method(config.get(), method);
    }
  }
  BasePointer base(event_base_new_with_config(config.get()), &event_base_free);
  if (base == nullptr && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) return SysError("event_base_new");
  if (base == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("libevent has no method '", options.method, "' here"));
  }
  if (options.trigger == Trigger::kEdge && (event_base_get_features(base.get()) & EV_FEATURE_ET) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("libevent has no edge triggering with ",
                                                   event_base_get_method(base.get()), "; use --trigger=level"));
  }
  return base;
}

absl::StatusOr<std::unique_ptr<EventLoop>> PollerLoop::Create(ServerContext& context, const WorkerRole* role,
                                                              const PollerLoopOptions& options, StartClient start) {
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(
      context, {.non_blocking = true, .max_descriptor = options.max_descriptor, .udp = AcceptUdp::kOwnPorts});
  if (!acceptor.ok()) return acceptor.status();
  absl::StatusOr<BasePointer> base = MakeBase(options);
  if (!base.ok()) return base.status();
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  absl::StatusOr<std::unique_ptr<Offload>> offload = Offload::Create(options.offload, **wakes);
  if (!offload.ok()) return offload.status();
  std::unique_ptr<PollerLoop> loop(new PollerLoop(context, role, options, start, *std::move(acceptor), *std::move(base),
                                                  *std::move(wakes), *std::move(offload)));
  if (absl::Status status = loop->Watch(); !status.ok()) return status;
  return loop;
}

PollerLoop::PollerLoop(ServerContext& context, const WorkerRole* role, const PollerLoopOptions& options,
                       StartClient start, std::unique_ptr<Acceptor> acceptor, BasePointer base,
                       std::unique_ptr<WakeList> wakes, std::unique_ptr<Offload> offload)
    : context_(context),
      role_(role),
      start_(start),
      base_(std::move(base)),
      has_epoll_(absl::string_view(event_base_get_method(base_.get())) == "epoll"),
      accepts_per_turn_(options.accepts_per_turn),
      max_descriptor_(options.max_descriptor),
      acceptor_(std::move(acceptor)),
      wakes_(std::move(wakes)),
      offload_(std::move(offload)),
      woken_(nullptr, &event_free),
      signals_(nullptr, &event_free),
      tick_(nullptr, &event_free),
      peers_ready_(nullptr, &event_free),
      next_turn_(nullptr, &event_free),
      timer_(nullptr, &event_free),
      resume_accepting_(nullptr, &event_free),
      place_(nullptr, &event_free),
      grace_(nullptr, &event_free) {
  shared_.base = base_.get();
  shared_.wakes = wakes_.get();
  shared_.offload = offload_.get();
  shared_.counters = &context.statistics.counters();
  shared_.connection_limit = context.connection_limit.get();
  shared_.limits = ProgressLimits(context.idle_timeout, context.least_rate);
  shared_.extra_flags = options.trigger == Trigger::kEdge ? EV_ET : 0;
  shared_.reads_per_turn = options.trigger == Trigger::kEdge ? kReadsPerTurnWithEdges : 1;
}

PollerLoop::~PollerLoop() {
  peers_.reset();
  while (!shared_.clients.empty()) shared_.clients.front().Drop();
}

// Beyond what the method can watch, libevent does not refuse, but writes where it must not (FD_SETSIZE).
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
  if (peers.ok()) peers_ = *std::move(peers);
  return peers.status();
}

absl::Status PollerLoop::Watch() {
  if (AnyOwnPorts(context_)) {
    if (absl::Status status = OpenPeers(); !status.ok()) return status;
  }
  if (absl::Status status = CheckDescriptors(); !status.ok()) return status;
  sources_.reserve(context_.listeners.size() + 1);  // The callbacks keep pointers to the elements.
  bool complete = true;
  for (const Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && !listener.own_ports) {
      ports_.push_back(std::make_unique<EventUdpSocket>(base_.get(), listener, context_, shared_.timers, *wakes_));
      complete = complete && ports_.back()->Watch().ok();
    } else {
      complete = complete && WatchSource(&listener, acceptor_->wait_fd(listener));
    }
  }
  complete = complete && (peers_ == nullptr || WatchPeers().ok());
  if (has_inbox()) complete = complete && WatchSource(nullptr, role_->inbox->fd());
  const auto on_signals = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnSignals(); };
  const int signals_fd = role_ == nullptr ? Signals::fd() : role_->stop_fd;
  signals_.reset(event_new(base_.get(), signals_fd, EV_READ | EV_PERSIST, on_signals, this));
  complete = complete && signals_ != nullptr && event_add(signals_.get(), nullptr) == 0;
  const auto on_wake = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnTimer(); };
  woken_.reset(event_new(base_.get(), wakes_->fd(), EV_READ | EV_PERSIST, on_wake, this));
  complete = complete && woken_ != nullptr && event_add(woken_.get(), nullptr) == 0;
  const auto on_next_turn = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnNextTurn(); };
  next_turn_.reset(event_new(base_.get(), -1, 0, on_next_turn, this));
  complete = complete && next_turn_ != nullptr;
  shared_.next_turn = next_turn_.get();
  const auto on_alarm = [](evutil_socket_t, short, void* self) {
    static_cast<PollerLoop*>(self)->shared_.timers.RingDue();
  };
  timer_.reset(event_new(base_.get(), -1, 0, on_alarm, this));
  complete = complete && timer_ != nullptr;
  const auto on_resume = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->ResumeAccepting(); };
  resume_accepting_.reset(event_new(base_.get(), -1, 0, on_resume, this));
  complete = complete && resume_accepting_ != nullptr;
  const auto on_grace_over = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnGraceOver(); };
  grace_.reset(event_new(base_.get(), -1, 0, on_grace_over, this));
  complete = complete && grace_ != nullptr;
  if (shared_.limits.tick() != absl::InfiniteDuration()) {
    const auto on_tick = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnTick(); };
    tick_.reset(event_new(base_.get(), -1, EV_PERSIST, on_tick, this));
    const timeval interval = absl::ToTimeval(shared_.limits.tick());
    complete = complete && tick_ != nullptr && event_add(tick_.get(), &interval) == 0;
  }
  return complete ? absl::OkStatus() : absl::UnavailableError("libevent cannot watch the listeners");
}

bool PollerLoop::WatchSource(const Listener* listener, int fd) {
  const auto on_clients = [](evutil_socket_t, short, void* source) {
    static_cast<Source*>(source)->loop->OnClients(*static_cast<Source*>(source));
  };
  Source& added = sources_.emplace_back(Source{this, listener, EventPointer(nullptr, &event_free)});
  added.event.reset(event_new(base_.get(), fd, EV_READ | EV_PERSIST, on_clients, &added));
  if (added.event == nullptr || event_add(added.event.get(), nullptr) != 0) return false;
  return WaitBehindTheOthers(added);
}

absl::Status PollerLoop::WatchPeers() {
  const auto on_ready = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->peers_->Serve(); };
  peers_ready_.reset(event_new(base_.get(), peers_->wait_fd(), EV_READ | EV_PERSIST, on_ready, this));
  const bool is_watched = peers_ready_ != nullptr && event_add(peers_ready_.get(), nullptr) == 0;
  return is_watched ? absl::OkStatus() : SysError("event_add");
}

absl::Status PollerLoop::Run() {
  const WorkerSlot place(context_.statistics);
  wakes_->BelongToThisThread();
  while (!is_drained_ || !shared_.clients.empty() || (peers_ != nullptr && !peers_->empty())) {
    if (!shared_.timers.empty()) AwaitAlarm();
    const int flags = wakes_->empty() ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK;
    if (event_base_loop(base_.get(), flags) < 0) return absl::InternalError("libevent's loop has failed");
    wakes_->Deliver();
  }
  return absl::OkStatus();
}

void PollerLoop::OnSignals() {
  if (role_ != nullptr) return Stop();
  const unsigned events = Signals::Take();
  AnswerCommonSignals(events, context_);
  if ((events & Signals::kStop) != 0) Stop();
}

void PollerLoop::OnClients(const Source& source) {
  // Of a crowd that comes at once, others are to have their share as well.
  const int most = shares_listeners() ? 1 : accepts_per_turn_;
  for (int i = 0; i < most; ++i) {
    absl::StatusOr<Connection> connection =
        source.listener == nullptr ? acceptor_->TryTake(*role_->inbox) : acceptor_->TryAccept(*source.listener);
    if (absl::IsResourceExhausted(connection.status())) return PauseAccepting();
    if (absl::IsFailedPrecondition(connection.status())) return AwaitPlace();
    if (absl::IsCancelled(connection.status())) return OnInboxEnd();
    if (!connection.ok()) break;
    Start(*std::move(connection));
  }
  if (!WaitBehindTheOthers(source)) PauseAccepting();
}

// If others wait at the same listener, the next client is for one of them. False: it is not watched any more.
bool PollerLoop::WaitBehindTheOthers(const Source& source) {
  const bool is_shared = shares_listeners() && !source.listener->has_datagrams();
  return !is_shared || !has_epoll_ || wake_one_.Requeue(event_get_fd(source.event.get()));
}

// The server is full.
void PollerLoop::AwaitPlace() {
  if (acceptor_->capacity_fd() > max_descriptor_) return PauseAccepting();
  const auto on_place = [](evutil_socket_t, short, void* self) { static_cast<PollerLoop*>(self)->OnCapacity(); };
  place_.reset(event_new(base_.get(), acceptor_->capacity_fd(), EV_READ, on_place, this));
  if (place_ == nullptr || event_add(place_.get(), nullptr) != 0) return PauseAccepting();
  SetAccepting(false);
}

void PollerLoop::OnCapacity() {
  acceptor_->TakeCapacityEvent();
  ResumeAccepting();
}

void PollerLoop::PauseAccepting() {
  SetAccepting(false);
  const timeval pause = absl::ToTimeval(Acceptor::kPause);
  event_add(resume_accepting_.get(), &pause);
}

void PollerLoop::ResumeAccepting() { takes_backlog_ ? TakeBacklog() : SetAccepting(true); }

void PollerLoop::SetAccepting(bool accepting) {
  bool complete = true;
  for (const Source& source : sources_) {
    if (!accepting) event_del(source.event.get());
    if (accepting) complete = event_add(source.event.get(), nullptr) == 0 && WaitBehindTheOthers(source) && complete;
  }
  if (!complete) PauseAccepting();  // The system has no room for what we watch: tried again later.
}

void PollerLoop::OnNextTurn() {
  EventClient::TurnList waiting;
  waiting.swap(shared_.wait_for_turn);  // Those who use it up again come behind the next wait.
  while (!waiting.empty()) {
    EventClient& client = waiting.front();
    waiting.pop_front();
    client.OnTurn();  // May destroy the client.
  }
}

// One timer for all timers. One that fires for an timer that was cancelled meanwhile finds nothing due.
void PollerLoop::AwaitAlarm() {
  const Timer::Clock::time_point first = shared_.timers.first();
  if (event_pending(timer_.get(), EV_TIMEOUT, nullptr) != 0 && alarm_at_ <= first) return;
  alarm_at_ = first;
  const absl::Duration left = absl::FromChrono(first - Timer::Clock::now());
  const timeval timeout = absl::ToTimeval(std::max(left, absl::ZeroDuration()));
  event_add(timer_.get(), &timeout);
}

void PollerLoop::Start(Connection connection) {
  if (connection.listener->own_ports) return peers_->Start(std::move(connection));
  start_(std::move(connection), shared_);
}

void PollerLoop::OnTick() {
  ++shared_.ticks;
  if (const uint32_t parts = shared_.limits.ticks_per_idle_tick(); parts > 0 && shared_.ticks % parts == 0) {
    if (peers_ != nullptr) peers_->OnTick();
    for (const auto& port : ports_) port->OnTick();
  }
  for (auto next = shared_.clients.begin(); next != shared_.clients.end();) {
    (next++)->OnTick();  // May destroy the client.
  }
}

void PollerLoop::Stop() {
  if (std::exchange(shared_.stopping, true)) return;
  Signals::RequestStop();  // Where others answer the signals, perhaps in another process.
  if (role_ != nullptr) event_del(signals_.get());
  const timeval grace = absl::ToTimeval(Signals::GraceLeft());
  event_add(grace_.get(), &grace);
  for (const auto& port : ports_) port->Drain();
  if (peers_ != nullptr) peers_->OnStop();
  TellClients();
  if (!has_inbox()) EndAccepting();
}

void PollerLoop::OnGraceOver() {
  shared_.grace_over = true;
  TellClients();
}

void PollerLoop::TellClients() {
  for (auto next = shared_.clients.begin(); next != shared_.clients.end();) {
    (next++)->OnStop();  // May destroy the client.
  }
}

void PollerLoop::OnInboxEnd() {
  Stop();
  EndAccepting();
}

void PollerLoop::EndAccepting() {
  takes_backlog_ = true;
  event_del(resume_accepting_.get());
  place_ = nullptr;
  SetAccepting(false);
  TakeBacklog();
}

// Those who were in the queue may have sent a request already, so they are still served; nobody else is accepted. The
// loop goes on meanwhile: connections that end make room for those who are left.
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
