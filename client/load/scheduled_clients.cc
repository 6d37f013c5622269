#include "client/load/scheduled_clients.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/sys_error.h"
#include "net/deadline.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr int kEventsPerWait = 256;
// Longer waits end early, so that the clock is looked at.
constexpr int64_t kLongestWait = LoadThread::kSecond / 10;
// The delay before a connection that could not be made is tried again.
constexpr int64_t kPause = LoadThread::kSecond / 10;
// Requests that have waited for their client for less are not overdue: a page's files are all due at once, and come one
// after the other.
constexpr int64_t kJustDue = LoadThread::kSecond / 20;
// Connections that are made at once before the run: less than most backlogs.
constexpr size_t kBatch = 100;

}  // namespace

ScheduledClients::ScheduledClients(const LoadPlan& share, std::shared_ptr<const Schedule> schedule,
                                   uint32_t first_client, const Behaviour& behaviour)
    : LoadThread(share),
      schedule_(std::move(schedule)),
      keep_alive_(std::min(absl::ToInt64Nanoseconds(behaviour.keep_alive), kForever)),
      connects_first_(behaviour.connects_first),
      dialer_(share.to),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      clients_(static_cast<size_t>(share.connections)),
      begin_(absl::ToInt64Nanoseconds(behaviour.begin) % schedule_->length),
      buffer_(kReadBytes) {
  for (Schedule::Request request : schedule_->requests) {
    // All requests of a client are in one thread, since they share a connection and come in their order.
    request.client -= first_client;  // Of earlier clients it becomes a large number.
    if (request.client < clients_.size()) requests_.push_back(request);
  }
  // The first request at or after begin_. If all of this thread's clients come before it, their next one is in the next
  // pass, which begins when this one is over: begin_ becomes negative, and base_ lies in the future by as much.
  next_ = static_cast<size_t>(absl::c_count_if(requests_, [this](const auto& each) { return each.due < begin_; }));
  if (next_ < requests_.size()) return;
  next_ = 0;
  begin_ -= schedule_->length;
}

absl::Status ScheduledClients::Connect() {
  if (!epoll_.ok()) return SysError("epoll_create1");
  for (size_t begin = 0; connects_first_ && begin < clients_.size(); begin += kBatch) {
    // In three steps for each batch, so that the server works on a hundred connections at a time: one by one, a
    // thousand round trips and new processes would take their time, and all at once would overflow the backlog.
    const auto batch = absl::MakeSpan(clients_).subspan(begin, kBatch);
    for (Client& client : batch) {
      client.socket = LoadSocket(dialer_.Start());
      if (!client.socket.ok()) return absl::UnavailableError(SysError("connect to", plan_.to.ToString()).message());
    }
    for (Client& client : batch) {
      absl::Status status = AwaitConnected(client.socket.fd(), plan_.to, plan_.patience);
      if (status.ok() && plan_.tls != nullptr) {
        status = client.socket.OpenTls(*plan_.tls, plan_.patience);
        if (status.ok()) tls_ = client.socket.tls()->version_and_cipher();
      }
      if (!status.ok()) {
        return absl::UnavailableError(absl::StrCat("connection ", tally_.connected + 1, ": ", status.message()));
      }
      Await(client, EPOLLIN, EPOLL_CTL_ADD);
      // Any file would do; in web_users.h the first one is the smallest.
      client.exchange.Choose(schedule_->targets.front());
      client.unsent = client.exchange.Ask();
      Send(client);
    }
    for (Client& client : batch) {
      if (absl::Status status = AwaitFirstReply(client); !status.ok()) {
        return absl::UnavailableError(absl::StrCat("connection ", tally_.connected + 1, ": ", status.message()));
      }
      ++tally_.connected;
    }
  }
  return absl::OkStatus();
}

// That the kernel has made the connection says little: a server that makes a process for each has its hands full with
// thousands of them for a while, which must not be within the measurement.
absl::Status ScheduledClients::AwaitFirstReply(Client& client) {
  const Deadline deadline(plan_.patience);
  pollfd readable = {client.socket.fd(), POLLIN, 0};
  while (true) {
    if (!client.socket.has_pending() && ::poll(&readable, 1, deadline.PollMilliseconds()) == 0 && deadline.passed()) {
      return absl::UnavailableError("the server does not reply");
    }
    const ssize_t count = client.socket.Receive(buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) return SysError("recv");
    absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
    const Exchange::Reply reply = client.exchange.Take(bytes);
    if (count == 0 || reply == Exchange::Reply::kWrong) return absl::UnavailableError("its first reply is wrong");
    if (reply == Exchange::Reply::kIncomplete) continue;
    client.has_replied = true;
    return absl::OkStatus();
  }
}

void ScheduledClients::Load() {
  Resume();
  AskDue();
  while (!ending_) {
    KeepAppointments();  // Behind AskDue(): what is due keeps its connection, however late it is.
    Wait();
    AskDue();
    ending_ = IsOver();
  }
  for (const Client& client : clients_) {
    const auto is_overdue = [this](const Due& due) { return due.time < end_ - kJustDue; };
    tally_.overdue += static_cast<uint64_t>(absl::c_count_if(client.waiting, is_overdue));
    // A request under way is late because of the server, which owes it a reply or a connection: that is response time,
    // and no backlog.
    if (client.is_busy && is_overdue(client.waiting.front())) --tally_.overdue;
  }
  // For Resume(): where in this pass of the schedule the slice has stopped.
  begin_ = end_ - base_;
  ended_ = end_;
}

void ScheduledClients::Resume() {
  base_ = start_ - begin_;
  ending_ = false;
  if (ended_ == 0) return;
  // Between two slices no time passes for the clients. Otherwise their connections would have been silent for longer
  // than keep_alive_, all would be made anew at once, and the slice would measure that. pauses_ needs no shift:
  // Settle() has emptied it.
  const int64_t rest = start_ - ended_;
  for (Client& client : clients_) {
    client.last_due += rest;
    if (client.silent_until != 0) client.silent_until += rest;
  }
  for (Appointment& silence : silences_) silence.time += rest;
}

void ScheduledClients::AskDue() {
  // Everything that has become due since the last turn, however late this thread is: a request keeps the time at which
  // it was due, so the delay shows in its response time (coordinated omission; see arrivals.h).
  while (NextDue() <= now_ && NextDue() < end_) {
    const Schedule::Request& request = requests_[next_];
    const int64_t due = NextDue();
    if (IsCounted(due)) ++tally_.due;
    ++unfinished_;
    Client& client = clients_[request.client];
    // The pointer stays valid: requests_ is complete since the constructor.
    client.waiting.push_back({due, &request});
    if (!client.is_busy) CountLateness(due);
    Start(client);
    // Behind the last request the schedule begins again, one length later.
    if (++next_ < requests_.size()) continue;
    next_ = 0;
    base_ += schedule_->length;
  }
}

void ScheduledClients::Wait() {
  int64_t until = now_ + kLongestWait;
  if (!ending_) until = std::min({until, end_, NextDue()});
  if (!pauses_.empty()) until = std::min(until, pauses_.front().time);
  if (!silences_.empty()) until = std::min(until, silences_.front().time);
  // In nanoseconds (epoll_pwait2(2), Linux 5.11): with the milliseconds of epoll_wait(2), a request could leave up to
  // one late, which is longer than many replies take.
  const timespec timeout = TimeoutUntil(until);
  epoll_event events[kEventsPerWait];
  const int count = ::epoll_pwait2(epoll_.get(), events, kEventsPerWait, &timeout, nullptr);
  now_ = Now();
  for (int i = 0; i < count; ++i) OnEvents(*static_cast<Client*>(events[i].data.ptr), events[i].events);
}

void ScheduledClients::KeepAppointments() {
  // Both queues are in the order of their times without being sorted, because each has one delay for all its entries.
  while (!pauses_.empty() && pauses_.front().time <= now_) {
    Client& client = *pauses_.front().client;
    pauses_.pop_front();
    Transmit(client);
  }
  while (!silences_.empty() && silences_.front().time <= now_) {
    // A request in the meantime has moved or cancelled the appointment; its old entry is skipped when its time comes,
    // which is cheaper than to find and remove it with each request.
    const Appointment silence = silences_.front();
    silences_.pop_front();
    if (silence.client->silent_until == silence.time) Close(*silence.client);
  }
}

void ScheduledClients::OnEvents(Client& client, uint32_t events) {
  if (client.connecting) {
    if (client.socket.tls() == nullptr) {
      if (const int error = dialer_.Outcome(client.socket.fd()); error != 0) return OnNotConnected(client, error);
      if (plan_.tls != nullptr) client.socket.StartTls(*plan_.tls);
    }
    if (!ShakeHands(client)) return;
    client.connecting = false;
    Send(client);
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    OnReadable(client);
  } else {
    Send(client);
  }
}

// Until it is done, epoll watches for what TLS awaits.
bool ScheduledClients::ShakeHands(Client& client) {
  TlsSocket* const tls = client.socket.tls();
  if (tls == nullptr) return true;
  const TlsSocket::Result result = GoOnWithHandshake(*tls);
  if (result == TlsSocket::Result::kWaits) {
    WatchForRoom(client, tls->awaits() == POLLOUT);
  } else if (result != TlsSocket::Result::kDone) {
    OnNotConnected(client, tls->error());
  }
  return result == TlsSocket::Result::kDone;
}

// What TLS has read ahead is taken at once, since epoll does not know of it. A reply may end the connection.
void ScheduledClients::OnReadable(Client& client) {
  do {
    Receive(client);
  } while (client.socket.has_pending());
}

void ScheduledClients::Receive(Client& client) {
  const ssize_t count = client.socket.Receive(buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const int error = count < 0 ? errno : 0;
  now_ = Now();
  if (count <= 0) return OnEnd(client, error);
  if (IsCounted(now_)) tally_.bytes_in += static_cast<uint64_t>(count);
  absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  // Without a request under way, any byte is wrong.
  const Exchange::Reply reply = client.is_busy ? client.exchange.Take(bytes) : Exchange::Reply::kWrong;
  if (reply == Exchange::Reply::kIncomplete) return;
  // Bytes behind the reply answer nothing.
  if (reply == Exchange::Reply::kWrong || !bytes.empty()) return OnWrong(client);
  OnReply(client, reply == Exchange::Reply::kLast);
}

void ScheduledClients::OnReply(Client& client, bool is_last) {
  const int64_t sent = client.sent;
  const Due done = Finish(client);
  client.has_replied = true;
  CountReply(done.time, sent, replies_);
  // Counted only if the client would have stayed.
  if (is_last && !done.request->closes) ++tally_.reconnections;
  if (is_last || done.request->closes) {
    Close(client);
  } else if (keep_alive_ < kForever) {
    client.silent_until = now_ + keep_alive_;
    silences_.push_back({client.silent_until, &client});
  }
  Start(client);
}

void ScheduledClients::OnWrong(Client& client) {
  ++tally_.wrong;
  if (client.is_busy) {
    const int64_t sent = client.sent;
    // It was answered, so it is not unanswered as well; but its time must not be missing.
    CountAge(Finish(client).time, sent);
  }
  Close(client);
  Start(client);
}

// The server has closed the connection, or it is lost. Between two replies that is the server's right. A request that
// may have crossed with the close is sent again on a new connection, as browsers do (RFC 9112, section 9.3.1): GET and
// HEAD may be repeated. On a connection that has never had a reply there is no such excuse: trying again could go on
// for ever.
void ScheduledClients::OnEnd(Client& client, int error) {
  if (!client.is_busy) {
    ++tally_.reconnections;
    return Close(client);
  }
  const Exchange::Reply reply = client.exchange.TakeEnd();
  if (reply == Exchange::Reply::kLast && error == 0) return OnReply(client, true);
  if (reply == Exchange::Reply::kIncomplete && client.has_replied) {
    ++tally_.reconnections;
    ++tally_.asked_again;
    Close(client);
    return Transmit(client);
  }
  CountFailure(tally_.broken, error);
  Lose(client);
  Start(client);
}

// Its requests wait for the next attempt, and their age grows. Once the load is over there is no next attempt.
void ScheduledClients::OnNotConnected(Client& client, int error) {
  CountFailure(tally_.not_connected, error);
  if (ending_) return GiveUp(client);
  Close(client);
  pauses_.push_back({now_ + kPause, &client});
}

void ScheduledClients::Start(Client& client) {
  if (client.is_busy || client.waiting.empty()) return;
  const Due& due = client.waiting.front();
  // By the schedule's times, not by when the replies came: so it depends on the schedule alone which requests find a
  // connection, and each server gets the same number of handshakes, however slow it is.
  const bool is_kept = client.has_replied && due.time - client.last_due <= keep_alive_;
  if (client.has_replied && !is_kept) Close(client);
  client.is_busy = true;
  client.last_due = due.time;
  client.silent_until = 0;
  // Connecting counts as service time: the client has begun, and the rest is up to the server.
  client.sent = now_;
  client.exchange.Choose(schedule_->targets[due.request->target]);
  Transmit(client);
}

void ScheduledClients::Transmit(Client& client) {
  client.unsent = client.exchange.Ask();
  if (client.socket.ok()) return Send(client);
  client.socket = LoadSocket(dialer_.Start());
  if (!client.socket.ok()) return OnNotConnected(client, errno);
  client.connecting = true;
  // Writable means that connecting has succeeded or failed (connect(2), EINPROGRESS).
  Await(client, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void ScheduledClients::Send(Client& client) {
  if (!client.unsent.empty()) {
    const ssize_t count = client.socket.Send(client.unsent);
    if (count > 0) client.unsent.remove_prefix(static_cast<size_t>(count));
    // A connection that is broken is readable as well, and noticed there.
  }
  WatchForRoom(client, !client.unsent.empty());
}

void ScheduledClients::WatchForRoom(Client& client, bool waits) {
  if (waits != client.waits_for_room) Await(client, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void ScheduledClients::Await(Client& client, uint32_t events, int operation) {
  client.waits_for_room = (events & EPOLLOUT) != 0;
  epoll_event event = {};
  event.events = events;
  // The pointer stays valid, since clients_ keeps its size for good.
  event.data.ptr = &client;
  ::epoll_ctl(epoll_.get(), operation, client.socket.fd(), &event);
}

ScheduledClients::Due ScheduledClients::Finish(Client& client) {
  const Due done = client.waiting.front();
  // Moves the others, which are few: a page's files.
  client.waiting.erase(client.waiting.begin());
  client.is_busy = false;
  --unfinished_;
  return done;
}

void ScheduledClients::Lose(Client& client) {
  const int64_t sent = client.sent;
  CountUnanswered(Finish(client).time, sent);
  Close(client);
}

// A request that never got a reply counts with its age: its true time is at least that.
void ScheduledClients::GiveUp(Client& client) {
  std::optional<int64_t> sent;
  if (client.is_busy) sent = client.sent;
  for (const Due& due : client.waiting) {
    CountUnanswered(due.time, sent);
    sent.reset();  // The others were not sent.
  }
  unfinished_ -= client.waiting.size();
  client.waiting.clear();
  client.is_busy = false;
  Close(client);
}

// close(2) also takes the socket out of the epoll set, since no other descriptor refers to it (epoll(7)).
void ScheduledClients::Close(Client& client) {
  client.socket.Close();
  client.exchange.Reset();
  client.unsent = absl::string_view();
  client.silent_until = 0;
  client.has_replied = false;
  client.connecting = false;
  client.waits_for_room = false;
}

void ScheduledClients::Settle() {
  // Those that could not connect a moment ago are given up at once: waiting for them would need new connections.
  for (const Appointment& pause : pauses_) GiveUp(*pause.client);
  pauses_.clear();
  while (unfinished_ > 0 && now_ < give_up_) {
    Wait();
    KeepAppointments();
  }
  for (Client& client : clients_) {
    if (!client.waiting.empty()) GiveUp(client);
  }
}

}  // namespace polyserve
