#include "client/load/worker.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "client/load/load_tls.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr int kEventsPerWait = 256;
// Longer waits end early, so that the clock is looked at.
constexpr int64_t kLongestWait = LoadThread::kSecond / 10;
constexpr int64_t kMillisecond = 1'000'000;
// The delay before a connection that could not be made, or was closed without a reply, is tried again. Without it, the
// generator would spin while the server is down or the machine has no ports.
constexpr int64_t kPause = LoadThread::kSecond / 10;

}  // namespace

// A datagram "connection" is a socket of its own, so that everything below is the same for both transports.
LoadWorker::LoadWorker(const LoadPlan& share)
    : LoadThread(share),
      dialer_(share.to, share.datagrams ? SOCK_DGRAM : SOCK_STREAM),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(static_cast<size_t>(share.connections)),
      buffer_(kReadBytes) {}

// Connects one by one: a burst of thousands would overflow the server's queue of connections (listen(2), backlog), and
// the SYNs that it drops are repeated only after a second.
absl::Status LoadWorker::Connect() {
  if (!epoll_.ok()) return SysError("epoll_create1");  // A constructor cannot return it.
  for (int i = 0; i < plan_.connections + plan_.idle_connections; ++i) {
    absl::StatusOr<UniqueFd> fd = dialer_.Connect(plan_.patience);
    if (!fd.ok()) return absl::UnavailableError(absl::StrCat("connection ", i + 1, ": ", fd.status().message()));
    absl::StatusOr<std::unique_ptr<TlsSocket>> tls = OpenTls(fd->get());
    if (!tls.ok()) return absl::UnavailableError(absl::StrCat("connection ", i + 1, ": ", tls.status().message()));
    ++tally_.connected;
    if (i >= plan_.connections) {
      idle_.push_back({*std::move(fd), *std::move(tls)});
      continue;
    }
    // The handshake is all that is awaited here: whether the server serves the connection shows in the first reply.
    Connection& connection = connections_[static_cast<size_t>(i)];
    connection.fd = *std::move(fd);
    connection.tls = *std::move(tls);
    if (connection.tls != nullptr) connection.phase = Phase::kTls;
    connection.exchange = plan_.make_exchange();
    Await(connection, EPOLLIN, EPOLL_CTL_ADD);
  }
  return absl::OkStatus();
}

// GoOn() starts `depth` requests on each connection (closed loop), or marks all as free (open loop).
void LoadWorker::Load() {
  ending_ = false;
  for (Connection& connection : connections_) connection.replies = 0;
  if (open_loop()) arrivals_.emplace(BeginArrivals());
  // From the common start of all threads, not from now: what became due while this thread was starting is late already,
  // and the first AskDue() makes up for it.
  next_due_ = open_loop() ? start_ + arrivals_->Next() : INT64_MAX;
  for (Connection& connection : connections_) GoOn(connection);
  while (!ending_) {
    Wait();
    // After every wait, because replies have made connections free, and the clock has moved.
    if (open_loop()) AskDue();
    ending_ = IsOver();
  }
  tally_.overdue = overdue_.size();  // Before Settle(), which still sends them as connections become free.
}

// The handlers close and reopen sockets in the middle of a batch of events. That is safe, because each touches its own
// connection only, and one call of epoll_wait reports each connection once: no later event of the batch is of a closed
// socket. EndPauses() and AskDue(), which touch others, come after the batch.
void LoadWorker::Wait() {
  int64_t until = ending_ ? now_ + kLongestWait : std::min(end_, now_ + kLongestWait);
  // In an open loop a request becomes due even if nothing happens on any socket.
  if (open_loop() && !ending_) until = std::min(until, next_due_);
  if (!paused_.empty()) until = std::min(until, paused_.front().end);
  epoll_event events[kEventsPerWait];
  int count = 0;
  if (open_loop()) {  // Requests are due at a precise time. A closed loop needs milliseconds only, and valgrind, which
                      // counts its instructions, does not know epoll_pwait2.
    const timespec timeout = TimeoutUntil(until);
    count = ::epoll_pwait2(epoll_.get(), events, kEventsPerWait, &timeout, nullptr);
  } else {
    const int64_t wait =
        std::max<int64_t>(until - Now(), 0);  // The clock anew: now_ is of before the last turn's work.
    // Rounded down, so that a wait is never longer than asked; the last millisecond is spent in waits of 0.
    count = ::epoll_wait(epoll_.get(), events, kEventsPerWait, static_cast<int>(wait / kMillisecond));
  }
  now_ = Now();
  // An error (EINTR) leaves `count` at -1, and nothing is handled.
  for (int i = 0; i < count; ++i) OnEvents(*static_cast<Connection*>(events[i].data.ptr), events[i].events);
  EndPauses();
}

// A connection that is readable and writable is read: that it is writable, epoll reports again.
void LoadWorker::OnEvents(Connection& connection, uint32_t events) {
  if (connection.phase != Phase::kPlain) {
    OnOtherEvents(connection, events);
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    OnReadable(connection);
  } else {
    Send(connection);
  }
}

void LoadWorker::OnOtherEvents(Connection& connection, uint32_t events) {
  if (connection.phase == Phase::kTls) {
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? ReceiveByTls(connection) : SendByTls(connection);
  }
  if (connection.phase == Phase::kHandshake) return ShakeHands(connection);
  if (const int error = dialer_.Outcome(connection.fd.get()); error != 0) return OnNotConnected(connection, error);
  if (plan_.tls == nullptr) {
    connection.phase = Phase::kPlain;
    return Send(connection);
  }
  connection.phase = Phase::kHandshake;
  connection.tls = plan_.tls->Wrap(connection.fd.get());
  ShakeHands(connection);
}

// One read for each event: epoll is level-triggered here, so what is left is reported again, after the other
// connections have had their turn. The clock is read once for all replies of one read.
void LoadWorker::OnReadable(Connection& connection) {
  const ssize_t count = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  TakeBytes(connection, count < 0 ? 0 : static_cast<size_t>(count), count < 0 ? errno : 0);
}

// In both of its callers, so that TLS costs a connection in the clear nothing.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void LoadWorker::TakeBytes(Connection& connection, size_t count, int error) {
  now_ = Now();
  if (count == 0) return OnEnd(connection, error);
  // Bytes count when they arrive, even if their reply is complete only after the end, so that a large file shows in the
  // rate of bytes.
  if (IsCounted(now_)) tally_.bytes_in += count;
  absl::string_view bytes(buffer_.data(), count);
  while (!bytes.empty()) {  // With no request under way on it, any byte is wrong.
    const Exchange::Reply reply = connection.asked == 0 ? Exchange::Reply::kWrong : connection.exchange->Take(bytes);
    if (reply == Exchange::Reply::kIncomplete) return;
    if (reply == Exchange::Reply::kWrong) return OnWrong(connection);  // What follows in `bytes` has no meaning.
    OnReply(connection);
    // Not Reconnect(): that counts what a server closes. In this workload the close is the client's part.
    if (plan_.connection_each) {
      Disconnect(connection);  // This side closes first, and so has the port in TIME_WAIT; see Dialer.
      return GoOn(connection);
    }
    if (reply == Exchange::Reply::kLast) return Reconnect(connection);
  }
  GoOn(connection);
}

void LoadWorker::OnReply(Connection& connection) {
  // Every protocol here answers in the order of the requests (for HTTP: RFC 9112, section 9.3.2).
  const Request request = connection.requests.front();
  connection.requests.pop_front();
  --connection.asked;
  --on_their_way_;
  connection.has_replied = true;
  CountReply(request.due, request.sent, connection.replies);
}

// The request was answered, so it does not count as unanswered as well; those behind it do.
void LoadWorker::OnWrong(Connection& connection) {
  ++tally_.wrong;
  if (connection.asked > 0) {
    CountAge(connection.requests.front().due, connection.requests.front().sent);
    connection.requests.pop_front();
    --on_their_way_;
  }
  Lose(connection);
  GoOn(connection);
}

// The server has closed the connection, or it is lost. Between two replies that is the server's right, even if a
// request is under way that it has not seen (RFC 9112, section 9.3.1). A server that closes every new connection
// without a reply has no such excuse: asking again would go on until the end of the run, and no figure would show it.
void LoadWorker::OnEnd(Connection& connection, int error) {
  const Exchange::Reply reply = connection.exchange->TakeEnd();
  if (reply == Exchange::Reply::kLast && error == 0 && connection.asked > 0) {
    OnReply(connection);
    if (!plan_.connection_each) return Reconnect(connection);
    Disconnect(connection);
    return GoOn(connection);
  }
  const bool is_allowed = reply == Exchange::Reply::kIncomplete && connection.exchange->may_ask_again();
  const bool is_in_vain = !connection.has_replied;
  if (is_allowed && (!is_in_vain || connection.requests.empty())) return Reconnect(connection);
  CountFailure(tally_.broken, error);
  Lose(connection);
  // `is_in_vain` is of before, since Lose() has reset has_replied. The pause is for the next connection.
  if (is_in_vain) PauseIt(connection);
  GoOn(connection);
}

// Its requests wait for the next attempt, and their age grows. Once the load is over there is no next attempt.
void LoadWorker::OnNotConnected(Connection& connection, int error) {
  CountFailure(tally_.not_connected, error);
  if (ending_) return Lose(connection);
  Disconnect(connection);
  PauseIt(connection);
}

// A protocol without may_ask_again() does not say whether the server has executed a request, so it is not repeated.
void LoadWorker::Lose(Connection& connection) {
  for (const Request& request : connection.requests) CountUnanswered(request.due, request.sent);
  on_their_way_ -= static_cast<int>(connection.requests.size());
  connection.requests.clear();
  Disconnect(connection);
}

// A new connection takes over, and what was asked and not answered is asked again there.
void LoadWorker::Reconnect(Connection& connection) {
  ++tally_.reconnections;
  tally_.asked_again += connection.asked;
  Disconnect(connection);
  GoOn(connection);
}

// close(2) takes the socket out of the epoll set, since no other descriptor refers to it. The requests stay, for
// AskAgain().
void LoadWorker::Disconnect(Connection& connection) {
  connection.tls.reset();
  connection.fd.reset();
  connection.asked = 0;
  connection.has_replied = false;
  connection.phase = Phase::kPlain;
  connection.unsent = absl::string_view();
  connection.waits_for_room = false;
  connection.exchange->Reset();
}

void LoadWorker::PauseIt(Connection& connection) {
  if (!std::exchange(connection.is_paused, true)) paused_.push_back({now_ + kPause, &connection});
}

void LoadWorker::EndPauses() {
  while (!paused_.empty() && paused_.front().end <= now_) {
    Connection& connection = *paused_.front().connection;
    paused_.pop_front();
    connection.is_paused = false;
    GoOn(connection);
  }
}

// Gives a connection with room its next request: one that must be sent again, a new one (closed loop), or the one that
// has waited for longest (open loop).
void LoadWorker::GoOn(Connection& connection) {
  if (connection.is_paused) return;
  // Transmit() may fail at once, and pause the connection; hence the check in the condition, here and below.
  while (connection.asked < connection.requests.size() && connection.unsent.empty() && !connection.is_paused) {
    AskAgain(connection);
  }
  if (open_loop()) {
    // One request at a time on a connection: a second one would wait behind the first reply, which is the wait for a
    // free connection by another name, but counted as the server's.
    if (!connection.requests.empty() || connection.is_paused) return;
    if (overdue_.empty()) return Release(connection);
    // The oldest first: any other order would make some wait far longer than the server's delay explains.
    const int64_t due = overdue_.front();
    overdue_.pop_front();
    return Ask(connection, due);
  }
  while (!ending_ && !connection.is_paused && connection.unsent.empty() &&
         static_cast<int>(connection.requests.size()) < plan_.depth) {
    Ask(connection, now_);
  }
}

// A free connection may come here again, when the server has closed it and a new one is to replace it.
void LoadWorker::Release(Connection& connection) {
  if (!std::exchange(connection.is_free, true)) free_.push_back(&connection);
}

// Catches up: after a long turn, all requests that became due during it are started at once, each with the time at
// which it was due. Nothing is skipped, or the open loop would become a closed one when the generator is late.
void LoadWorker::AskDue() {
  for (; next_due_ <= now_ && next_due_ < end_; next_due_ = start_ + arrivals_->Next()) {
    if (IsCounted(next_due_)) ++tally_.due;
    // More requests than connections are due: the request keeps its time and waits here. To drop it, or to let its time
    // begin later, would be coordinated omission (arrivals.h).
    if (free_.empty()) {
      overdue_.push_back(next_due_);
      continue;
    }
    // The one that was free for longest, so that all take turns: otherwise a few would be used over and over, and the
    // server would see fewer clients than the plan has.
    Connection* connection = free_.front();
    free_.pop_front();
    connection->is_free = false;
    CountLateness(next_due_);
    Ask(*connection, next_due_);
  }
  if (next_due_ >= end_) next_due_ = INT64_MAX;  // So that Wait() does not wake for it.
}

// Closed loop: the clock is read again after a slow Ask(), so that the generator's own work is not part of the time.
void LoadWorker::Ask(Connection& connection, int64_t due) {
  connection.unsent = connection.exchange->Ask();
  if (plan_.asking_takes_time) now_ = Now();
  // now_ is a little before the send() below, so service times err to the long side.
  connection.requests.push_back({open_loop() ? due : now_, now_});
  ++connection.asked;
  ++on_their_way_;
  Transmit(connection);
}

// The first one that was not asked on this connection. Its times stay what they are.
void LoadWorker::AskAgain(Connection& connection) {
  connection.unsent = connection.exchange->Ask();
  ++connection.asked;
  Transmit(connection);
}

// A connection that is closed is made here, so that connecting is part of the time of the request that needs it.
void LoadWorker::Transmit(Connection& connection) {
  if (connection.phase != Phase::kPlain) {
    if (connection.phase == Phase::kTls) SendByTls(connection);
    return;  // Otherwise OnOtherEvents() sends when it is open.
  }
  if (connection.fd.ok()) return Send(connection);
  connection.fd = dialer_.Start();
  if (!connection.fd.ok()) return OnNotConnected(connection, errno);
  connection.phase = Phase::kConnecting;
  Await(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void LoadWorker::Send(Connection& connection) {
  if (!connection.unsent.empty()) {
    const ssize_t count = ::send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (count > 0) connection.unsent.remove_prefix(static_cast<size_t>(count));
    // An error needs no check: a broken connection is readable as well, and recv() reports it.
  }
  WatchForRoom(connection, !connection.unsent.empty());
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void LoadWorker::WatchForRoom(Connection& connection, bool waits) {
  const bool was_watched = std::exchange(connection.waits_for_room, waits);
  if (waits != was_watched) Await(connection, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

// Null if the plan has no TLS.
absl::StatusOr<std::unique_ptr<TlsSocket>> LoadWorker::OpenTls(int fd) {
  if (plan_.tls == nullptr) return nullptr;
  absl::StatusOr<std::unique_ptr<TlsSocket>> tls = plan_.tls->Open(fd, plan_.patience);
  if (tls.ok()) tls_ = (*tls)->version_and_cipher();
  return tls;
}

// epoll has watched for both until now.
void LoadWorker::ShakeHands(Connection& connection) {
  const TlsSocket::Result result = GoOnWithHandshake(*connection.tls);
  if (result == TlsSocket::Result::kWaits) return WatchForRoom(connection, connection.tls->awaits() == POLLOUT);
  if (result != TlsSocket::Result::kDone) return OnNotConnected(connection, connection.tls->error());
  connection.phase = Phase::kTls;
  SendByTls(connection);
}

// epoll does not know what OpenSSL has read ahead, so that is taken now. A reply may end the connection, and with it
// the TlsSocket.
void LoadWorker::ReceiveByTls(Connection& connection) {
  do {
    size_t count = 0;
    const TlsSocket::Result result = connection.tls->Read(buffer_.data(), buffer_.size(), count);
    if (result == TlsSocket::Result::kWaits) return;
    const bool has_bytes = result == TlsSocket::Result::kDone;
    TakeBytes(connection, has_bytes ? count : 0, connection.tls->error());
  } while (connection.tls != nullptr && connection.tls->has_pending());
}

// An error needs no check, as in Send().
void LoadWorker::SendByTls(Connection& connection) {
  TlsSocket::Result result = TlsSocket::Result::kDone;
  while (!connection.unsent.empty() && result == TlsSocket::Result::kDone) {
    size_t count = 0;
    result = connection.tls->Write(connection.unsent, count);
    if (result == TlsSocket::Result::kDone) connection.unsent.remove_prefix(count);
  }
  WatchForRoom(connection, !connection.unsent.empty());
}

void LoadWorker::Await(Connection& connection, uint32_t events, int operation) {
  connection.waits_for_room = (events & EPOLLOUT) != 0;
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &connection;
  ::epoll_ctl(epoll_.get(), operation, connection.fd.get(), &event);
}

// A request that never got a reply counts with its age: its true time is at least that. Connections that are paused
// give up at once: the server refused them a moment ago, and would have to be asked anew.
void LoadWorker::Settle() {
  LookAtIdleOnes();  // First: the server may close them during the wait below, and that is no fault.
  for (const Pause& pause : paused_) {
    pause.connection->is_paused = false;
    Lose(*pause.connection);
  }
  paused_.clear();
  // The overdue requests are still sent, so that their full times are known; without them the percentiles would miss
  // the very requests that waited for longest.
  while ((on_their_way_ > 0 || !overdue_.empty()) && now_ < give_up_) Wait();
  for (Connection& connection : connections_) {
    if (!connection.requests.empty()) Lose(connection);
    tally_.per_connection.push_back(connection.replies);
  }
  for (const int64_t due : overdue_) CountUnanswered(due, std::nullopt);
  overdue_.clear();
}

// epoll does not watch the idle connections during the load, so that 50,000 of them cost the generator nothing. Those
// that the server has closed by now did not burden it as the plan asked for.
void LoadWorker::LookAtIdleOnes() {
  for (const IdleConnection& idle : idle_) {
    if (idle.tls != nullptr) {
      const TlsSocket::Result result = idle.tls->Peek();
      if (result == TlsSocket::Result::kDone) ++tally_.wrong;
      if (result == TlsSocket::Result::kEnd) CountFailure(tally_.broken, 0);
      if (result == TlsSocket::Result::kFailed) CountFailure(tally_.broken, idle.tls->error());
      continue;
    }
    char byte;
    const ssize_t count = ::recv(idle.fd.get(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count > 0) {
      ++tally_.wrong;  // It was not asked for anything.
    } else {
      CountFailure(tally_.broken, count == 0 ? 0 : errno);
    }
  }
}

}  // namespace polyserve
