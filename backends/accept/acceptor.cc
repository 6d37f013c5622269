#include "backends/accept/acceptor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/udp_acceptor.h"
#include "backends/accept/udp_sources.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "base/sys_error.h"
#include "net/half_open.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr size_t kSignals = 0;  // Places among the waits.
constexpr size_t kAlso = 1;
constexpr size_t kPlace = 2;
constexpr size_t kFirstListener = 3;

// Threads share their process's descriptors: what one of them gives up to turn a client away, another one could use for
// a client of its own. So once there is a shortage they accept one after the other, until one of them finds that it is
// over.
std::atomic<bool> g_is_short = false;
Mutex g_shortage;

// A conversation that ends has nothing more to wait for.
constexpr absl::Duration kLongestEnd = absl::Seconds(1);

// How often it is said that clients are refused.
constexpr int kSecondsBetweenLogs = 10;

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// An error that a client brought along, which accept(2) passes on as it takes the client off the queue.
bool IsOfOneClient(int error) {
  return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENETUNREACH || error == ENONET ||
         error == EHOSTDOWN || error == EHOSTUNREACH || error == ENOPROTOOPT;
}

// So many of these in a row are not bad luck.
constexpr int kMaxClientErrors = 64;

// Edges: each acceptor sees all events, and takes none away from another.
UniqueFd WatchPlaces(const ConnectionLimit& connection_limit) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  if (epoll.ok() && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connection_limit.fd(), &event) != 0) epoll.reset();
  return epoll;
}

}  // namespace

Acceptor::Acceptor(ServerContext& context, Options options)
    : context_(context),
      options_(std::move(options)),
      spare_(OpenSpare()),
      needs_place_(context.connection_limit != nullptr &&
                   context.connection_limit->overload() == ConnectionLimit::Overload::kWait),
      backlog_left_(context.listen.backlog) {}

absl::Status Acceptor::OpenDesks(ServerContext& context, Peers peers) {
  if (peers == Peers::kNone) return absl::OkStatus();
  const UdpSources sources(context.listeners);
  for (Listener& listener : context.listeners) {
    if (listener.udp_acceptor != nullptr || !AcceptsPeers(listener, peers)) continue;
    const UdpAcceptor::MayAnswer may_answer = [&context, &listener, sources](const DatagramPath& path) {
      if (sources.MayAnswer(path, listener.own_ports)) return true;
      NoteRefused(context, listener,
                  absl::StrCat(path.peer.ToString(), " is a server's, and the two would answer each other"));
      return false;
    };
    absl::StatusOr<std::unique_ptr<UdpAcceptor>> udp_acceptor =
        UdpAcceptor::Open(listener.fd.get(), listener.own_ports, may_answer);
    if (!udp_acceptor.ok()) return udp_acceptor.status();
    listener.udp_acceptor = *std::move(udp_acceptor);
  }
  return absl::OkStatus();
}

bool Acceptor::AcceptsPeers(const Listener& listener, Peers peers) {
  return listener.has_datagrams() && (peers == Peers::kAll || (peers == Peers::kOwnPorts && listener.own_ports));
}

bool Acceptor::Accepts(const Listener& listener) const {
  if (!listener.has_datagrams()) return options_.accepts_connections;
  return AcceptsPeers(listener, options_.peers) && listener.udp_acceptor != nullptr;
}

absl::StatusOr<Connection> Acceptor::TryAccept(const Listener& listener) {
  if (listener.has_datagrams()) return TryAcceptPeer(listener);
  if (needs_place_ && !places_.ok()) places_ = WatchPlaces(*context_.connection_limit);
  if (needs_place_ && !places_.ok()) return absl::ResourceExhaustedError("no descriptor is left");
  if (needs_place_ && !context_.connection_limit->TryAcquire(CountersOf(listener))) {
    awaits_place_ = true;
    return absl::FailedPreconditionError("the server is full");
  }
  absl::StatusOr<Connection> connection = Accept(listener);
  if (connection.ok()) return Admit(*std::move(connection), needs_place_);
  if (needs_place_) Withdraw(listener);
  return connection;
}

absl::StatusOr<Connection> Acceptor::Accept(const Listener& listener) {
  if (!g_is_short.load(std::memory_order_relaxed)) {
    absl::StatusOr<Connection> connection = TryAcceptNow(listener);
    if (absl::IsAborted(connection.status())) return PutOff(listener, connection.status());
    if (!absl::IsResourceExhausted(connection.status())) return connection;
  }
  const MutexLock lock(g_shortage);
  absl::StatusOr<Connection> connection = TryAcceptNow(listener);
  if (absl::IsAborted(connection.status())) return PutOff(listener, connection.status());
  g_is_short = absl::IsResourceExhausted(connection.status());
  if (g_is_short) TurnAwayWithSpare(listener, connection.status());
  return connection;
}

// One attempt. ResourceExhausted: no descriptor is left. Aborted: it fails, and the client stays in the queue.
absl::StatusOr<Connection> Acceptor::TryAcceptNow(const Listener& listener) {
  for (int errors = 0;;) {
    UniqueFd fd(
        ::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | (options_.non_blocking ? SOCK_NONBLOCK : 0)));
    if (fd.ok()) return Connection{std::move(fd), &listener};
    // EINVAL: the listener was shut down, while others still hold it (the workers of a pool).
    if (errno == EAGAIN || errno == EINVAL) return absl::UnavailableError("nobody is there");
    if (IsShortage(errno)) return absl::ResourceExhaustedError(SysError("accept", listener.service).message());
    if (errno == EINTR || (IsOfOneClient(errno) && ++errors < kMaxClientErrors)) continue;
    // Forbidden (EPERM, EACCES), or nothing that we know: trying again at once would go on for ever.
    return absl::AbortedError(SysError("accept", listener.service).message());
  }
}

// The system refuses to accept. While the server serves, it tries again after a pause; a server that stops does not
// wait for that, and tells those who are in the queue.
absl::Status Acceptor::PutOff(const Listener& listener, const absl::Status& why) {
  if (is_draining_ || Signals::stopping()) {
    ::shutdown(listener.fd.get(), SHUT_RDWR);
    return absl::UnavailableError(why.message());
  }
  LOG_EVERY_T(WARNING, kSecondsBetweenLogs)
      << "no connection can be accepted: " << why.message() << "; trying again every " << kPause;
  return absl::ResourceExhaustedError(why.message());
}

absl::StatusOr<Connection> Acceptor::TryTake(Inbox& inbox) {
  absl::StatusOr<Connection> connection = inbox.Take();
  if (connection.ok()) return Admit(*std::move(connection), true);
  if (absl::IsResourceExhausted(connection.status())) {
    Counters& counters = context_.statistics.counters();  // Nobody knows of which service it was.
    Counters::Add(counters.refused, 1);
    CountEnd(counters, context_.connection_limit.get());
    LogShortage(std::strerror(EMFILE));
  }
  return connection.status();
}

// Counts a client in, unless it is so already, the model cannot watch its descriptor, or the server is full.
absl::StatusOr<Connection> Acceptor::Admit(Connection connection, bool is_counted) {
  const Listener& listener = *connection.listener;
  if (!spare_.ok()) spare_ = OpenSpare();  // Lost in a shortage that seems to be over.
  if (connection.fd.get() > options_.max_descriptor) {
    if (is_counted) Withdraw(listener);
    Counters::Add(CountersOf(listener).refused, 1);
    LOG_EVERY_N(WARNING, 100) << "refused a connection: its descriptor " << connection.fd.get() << " is above "
                              << options_.max_descriptor << ", the most this model can watch (refused so far: "
                              << context_.statistics.Total().refused << ")";
    return absl::AbortedError("the client was refused");  // Back to the others, for a turn.
  }
  if (!is_counted && !Enter(listener)) {
    Counters::Add(CountersOf(listener).refused, 1);
    LOG_EVERY_T(WARNING, kSecondsBetweenLogs)
        << "refused a connection: there are as many as --max_connections=" << context_.connection_limit->most()
        << " allows (refused so far: " << context_.statistics.Total().refused << ")";
    return absl::AbortedError("the client was refused");
  }
  return connection;
}

Counters& Acceptor::CountersOf(const Listener& listener) const {
  return OfService(context_.statistics.counters(), listener.number);
}

// Counts a client in. False where the server is full.
bool Acceptor::Enter(const Listener& listener) {
  Counters& counters = CountersOf(listener);
  if (context_.connection_limit != nullptr) return context_.connection_limit->TryAcquire(counters);
  Counters::Add(counters.accepted, 1);
  return true;
}

// Whoever was counted in has not come, or cannot stay.
void Acceptor::Withdraw(const Listener& listener) {
  Counters::Add(CountersOf(listener).accepted, -1);
  if (context_.connection_limit != nullptr) context_.connection_limit->Release();
}

void Acceptor::TakePlaceEvent() {
  epoll_event event;
  if (places_.ok()) ::epoll_wait(places_.get(), &event, 1, 0);
  awaits_place_ = false;
}

absl::StatusOr<Connection> Acceptor::TryAcceptPeer(const Listener& listener) {
  absl::StatusOr<UdpAcceptor::Arrival> peer = listener.udp_acceptor->TryAccept();
  // It cannot be asked to wait: its datagram has come already.
  const bool is_full = peer.ok() && !Enter(listener);
  if (peer.ok() && !is_full) {
    if (options_.non_blocking) SetNonBlocking(peer->socket.get(), true).IgnoreError();
    return Connection{std::move(peer->socket), &listener, std::move(peer->strays)};
  }
  if (absl::IsUnavailable(peer.status())) return peer.status();
  NoteRefused(context_, listener,
              is_full ? "there are as many clients as --max_connections allows" : peer.status().message());
  const bool is_short = absl::IsResourceExhausted(peer.status());
  if (is_full || is_short)
    listener.udp_acceptor->AskOneToLeave();  // So that there is a place when this one asks again.
  return is_short ? peer.status() : absl::AbortedError("the peer was refused");
}

void Acceptor::NoteRefused(const ServerContext& context, const Listener& listener, absl::string_view why) {
  Counters::Add(OfService(context.statistics.counters(), listener.number).refused, 1);
  LOG_EVERY_N(WARNING, 100) << "refused a peer of " << listener.service << ": " << why
                            << " (refused so far: " << context.statistics.Total().refused << ")";
}

void Acceptor::TurnAwayWithSpare(const Listener& listener, const absl::Status& why) {
  spare_.reset();
  {
    const UniqueFd turned_away(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (turned_away.ok()) Counters::Add(CountersOf(listener).refused, 1);
  }  // Closed before its number is needed for the next spare.
  spare_ = OpenSpare();
  LogShortage(why.message());
}

void Acceptor::LogShortage(absl::string_view why) const {
  LOG_EVERY_N(WARNING, 10) << "no connection can be accepted: " << why << "; pausing for " << kPause
                           << " (raise the limit with 'ulimit -n'; refused so far: "
                           << context_.statistics.Total().refused << ")";
}

void Acceptor::Refuse(Connection connection, const absl::Status& why) {
  Withdraw(*connection.listener);
  Counters::Add(CountersOf(*connection.listener).refused, 1);
  LOG_EVERY_N(WARNING, 10) << "refused a connection: " << why.message() << "; pausing for " << kPause
                           << " (refused so far: " << context_.statistics.Total().refused << ")";
  connection.fd.reset();
  pause_.emplace(kPause);
}

absl::StatusOr<Connection> Acceptor::Next() {
  while (true) {
    const bool stops = Signals::stopping();
    if (!stops) Wait({});
    const bool pauses = stops && pause_.has_value() && !pause_->passed();
    absl::StatusOr<Connection> connection = absl::UnavailableError("nobody can be taken yet");
    if (!pauses) connection = stops ? NextOfBacklog() : TakeSeen();
    if (connection.ok() || absl::IsCancelled(connection.status())) return connection;
    // Of those who had connected before, the next one waits for a place, or for the end of a shortage.
    if (stops) Wait({.clients = false, .at_most = kPause});
  }
}

absl::StatusOr<Connection> Acceptor::TakeSeen() {
  for (size_t i = 0; i < context_.listeners.size(); ++i) {
    const size_t at = (turn_ + i) % context_.listeners.size();
    if ((waits_[kFirstListener + at].revents & POLLIN) == 0 || !Accepts(context_.listeners[at])) continue;
    turn_ = at + 1;
    absl::StatusOr<Connection> connection = TryAccept(context_.listeners[at]);
    if (connection.ok()) return connection;
    if (absl::IsResourceExhausted(connection.status())) pause_.emplace(kPause);
  }
  return absl::UnavailableError("nobody is there");
}

// Those who were in the queue when the stop came may have sent a request already; they are still served.
absl::StatusOr<Connection> Acceptor::NextOfBacklog() {
  if (!std::exchange(is_draining_, true)) {
    ends_wait_.emplace(kLongestEnd);
    for (const Listener& listener : context_.listeners) {
      if (IsDrained(listener)) listener.RefuseNewClients();
    }
  }
  absl::StatusOr<Connection> connection = NextInQueues();
  if (connection.ok() || !absl::IsUnavailable(connection.status())) return connection;
  if (!handshakes_are_done_) {
    if (AwaitsHandshake()) return absl::ResourceExhaustedError("a client is just connecting");
    handshakes_are_done_ = true;  // Those who have got through meanwhile are in the queue now.
    connection = NextInQueues();
    if (connection.ok() || !absl::IsUnavailable(connection.status())) return connection;
  }
  for (Listener& listener : context_.listeners) {
    if (listener.has_datagrams() ? options_.peers == Peers::kNone : !options_.accepts_connections) continue;
    // Clients are to be told at once, also where others hold it as well.
    if (!listener.has_datagrams()) ::shutdown(listener.fd.get(), SHUT_RDWR);
    listener.Close();
  }
  return absl::CancelledError("the server stops");
}

// Unavailable: all queues are empty, or as many have been taken as a queue may hold.
absl::StatusOr<Connection> Acceptor::NextInQueues() {
  for (const Listener& listener : context_.listeners) {
    while (listener.fd.ok() && Accepts(listener) && backlog_left_ > 0) {
      absl::StatusOr<Connection> connection = TryAccept(listener);
      const bool is_nobody = absl::IsFailedPrecondition(connection.status()) && !IsReadable(listener.fd.get());
      if (absl::IsUnavailable(connection.status()) || is_nobody) {
        if (AwaitsEnd(listener)) return absl::ResourceExhaustedError("a peer may be there again soon");
        break;
      }
      const bool is_refused = absl::IsAborted(connection.status());
      if (connection.ok() || is_refused) --backlog_left_;
      if (!is_refused) return connection;
    }
  }
  return absl::UnavailableError("nobody is left");
}

// Such a client may believe itself connected, and have sent a request. Somebody who leaves the handshake half done is
// waited for no longer than for a request.
bool Acceptor::AwaitsHandshake() const {
  if (Signals::grace_over()) return false;
  return std::any_of(context_.listeners.begin(), context_.listeners.end(), [this](const Listener& listener) {
    return IsDrained(listener) && HasHalfOpenConnections(listener.fd.get());
  });
}

// True of a listener whose clients are to be accepted here before it is closed.
bool Acceptor::IsDrained(const Listener& listener) const {
  return listener.fd.ok() && !listener.has_datagrams() && Accepts(listener);
}

// True where the conversation of a peer is just ending, after which the peer may be there again.
bool Acceptor::AwaitsEnd(const Listener& listener) const {
  return listener.udp_acceptor != nullptr && listener.udp_acceptor->awaits_end() && !ends_wait_->passed();
}

// Not before there is somebody who waits: where others accept as well, a listener may be closed meanwhile.
void Acceptor::PrepareToWait() {
  waits_ = {{Signals::fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  for (const Listener& listener : context_.listeners) {
    // Datagrams that are somebody else's to read would end every wait.
    const bool looks = listener.has_datagrams() ? options_.peers != Peers::kNone : options_.accepts_connections;
    waits_.push_back({looks ? listener.wait_fd() : -1, POLLIN, 0});
  }
}

void Acceptor::Wait(const Awaited& awaited) {
  if (waits_.empty()) PrepareToWait();
  if (pause_.has_value() && pause_->passed()) pause_.reset();
  const bool looks_for_clients = awaited.clients && !pause_.has_value();
  waits_[kAlso].fd = awaited.also;
  waits_[kPlace].fd = awaits_place_ ? places_.get() : -1;
  for (size_t i = 0; needs_place_ && i < context_.listeners.size(); ++i) {
    const Listener& listener = context_.listeners[i];
    const bool looks = Accepts(listener) && !awaits_place_;
    if (!listener.has_datagrams()) waits_[kFirstListener + i].fd = looks ? listener.fd.get() : -1;
  }
  for (pollfd& wait : waits_) wait.revents = 0;
  int timeout = awaited.at_most == absl::InfiniteDuration() ? -1 : Deadline(awaited.at_most).PollMilliseconds();
  if (awaited.clients && pause_.has_value()) {
    const int pause = pause_->PollMilliseconds();
    timeout = timeout < 0 ? pause : std::min(timeout, pause);
  }
  if (looks_for_clients && NotePending()) timeout = 0;
  ::poll(waits_.data(), looks_for_clients ? waits_.size() : kFirstListener, timeout);
  if ((waits_[kPlace].revents & POLLIN) != 0) TakePlaceEvent();
  if (looks_for_clients) NotePending();
  if ((waits_[kSignals].revents & POLLIN) == 0) return;
  AnswerCommonSignals(Signals::Take(), context_);
}

// What a UDP acceptor has kept back is as good as what waits in its socket. Returns whether there is any.
bool Acceptor::NotePending() {
  bool found = false;
  for (size_t i = 0; i < context_.listeners.size(); ++i) {
    const Listener& listener = context_.listeners[i];
    if (listener.udp_acceptor == nullptr || !listener.udp_acceptor->has_pending()) continue;
    waits_[kFirstListener + i].revents |= POLLIN;
    found = true;
  }
  return found;
}

}  // namespace polyserve
