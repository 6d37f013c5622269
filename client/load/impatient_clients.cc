#include "client/load/impatient_clients.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "client/tls.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr int kEventsPerWait = 256;
// Longer waits end early, so that the clock is looked at.
constexpr int64_t kLongestWait = LoadThread::kSecond / 10;
// A client that doubled its waits for ever would soon not come back at all.
constexpr int kMostDoublings = 6;

}  // namespace

Verdict JudgeReply(absl::string_view begin) {
  for (const absl::string_view refusal : {"HTTP/1.1 503", "HTTP/1.0 503", "ERR 503"}) {
    if (absl::StartsWith(begin, refusal)) return Verdict::kRefusal;
    if (absl::StartsWith(refusal, begin)) return Verdict::kMayBecomeOne;
  }
  return Verdict::kNone;
}

// The random time, and not the doubled one itself, so that clients that were refused together do not come back together
// ("full jitter": Brooker, "Exponential Backoff And Jitter", 2015).
int64_t WaitBeforeTry(const Impatience& impatience, int tries, double draw) {
  if (impatience.retry != Impatience::Retry::kBackOff) return 0;
  const double longest = static_cast<double>(absl::ToInt64Nanoseconds(impatience.give_up)) *
                         static_cast<double>(1 << std::clamp(tries - 1, 0, kMostDoublings));
  return static_cast<int64_t>(draw * longest);
}

ImpatientClients::ImpatientClients(const LoadPlan& share)
    : LoadThread(share),
      impatience_(*share.impatience),
      give_up_after_(absl::ToInt64Nanoseconds(impatience_.give_up)),
      dialer_(share.to),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      tries_(static_cast<size_t>(share.connections)),
      random_(share.seed),
      buffer_(kReadBytes) {
  for (Try& one : tries_) {
    one.exchange = share.make_exchange();
    free_.push_back(&one);
  }
}

absl::Status ImpatientClients::Connect() {
  if (!epoll_.ok()) return SysError("epoll_create1");
  const absl::StatusOr<UniqueFd> fd = dialer_.Connect(plan_.patience);
  if (!fd.ok()) return fd.status();
  tally_.connected = plan_.connections;
  return absl::OkStatus();
}

void ImpatientClients::Load() {
  ending_ = false;
  arrivals_.emplace(BeginArrivals());
  next_due_ = start_ + arrivals_->Next();
  AskDue();
  while (!ending_) {
    Wait();
    AskDue();  // Before the end is noticed: what has become due until then belongs to the load, however late this is.
    ending_ = IsOver();
  }
  tally_.overdue = overdue_.size();
}

// Whoever has no reply by then has failed.
void ImpatientClients::Settle() {
  while ((under_way() > 0 || !later_.empty() || !overdue_.empty()) && now_ < give_up_) Wait();
  const auto fail = [this](const Request& request) {
    if (IsCounted(request.due)) ++tally_.failed;
    CountAge(request.due, std::nullopt);
  };
  for (Try& one : tries_) {
    if (one.socket.ok()) fail(Free(one));
  }
  for (; !later_.empty(); later_.pop()) fail(later_.top().request);
  for (const Request& request : overdue_) fail(request);
  overdue_.clear();
  deadlines_.clear();
}

// What has become due since the last turn keeps its time, however late this thread is (arrivals.h).
void ImpatientClients::AskDue() {
  while (next_due_ <= now_ && next_due_ < end_) {
    if (IsCounted(next_due_)) ++tally_.due;
    if (!free_.empty()) CountLateness(next_due_);
    Begin({next_due_, 0});
    next_due_ = start_ + arrivals_->Next();
  }
}

void ImpatientClients::Wait() {
  int64_t until = now_ + kLongestWait;
  if (!ending_) until = std::min({until, end_, next_due_});
  if (!deadlines_.empty()) until = std::min(until, deadlines_.front().time);
  if (!later_.empty()) until = std::min(until, later_.top().time);
  const timespec timeout = TimeoutUntil(until);
  epoll_event events[kEventsPerWait];
  const int count = ::epoll_pwait2(epoll_.get(), events, kEventsPerWait, &timeout, nullptr);
  now_ = Now();
  // Each event touches its own try alone, and a new one takes another place only behind all of them.
  for (int i = 0; i < count; ++i) OnEvents(*static_cast<Try*>(events[i].data.ptr), events[i].events);
  OnDeadlines();
  while (!later_.empty() && later_.top().time <= now_) {
    const Request request = later_.top().request;
    later_.pop();
    Begin(request);
  }
  while (!overdue_.empty() && !free_.empty()) {
    const Request request = overdue_.front();
    overdue_.pop_front();
    Begin(request);
  }
}

void ImpatientClients::Begin(Request request) {
  if (free_.empty()) return overdue_.push_back(request);
  Try& one = *free_.back();
  free_.pop_back();
  one.request = request;
  one.began = now_;
  one.begin.clear();
  one.is_judged = false;
  one.exchange->Reset();
  one.unsent = one.exchange->Ask();
  if (IsCounted(request.due)) ++tally_.tries;
  one.socket = LoadSocket(dialer_.Start());
  if (!one.socket.ok()) return OnEnd(one, errno);
  one.connecting = true;
  deadlines_.push_back({now_ + give_up_after_, now_, &one});
  // Writable means that connecting has succeeded or failed (connect(2), EINPROGRESS).
  Await(one, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void ImpatientClients::OnEvents(Try& one, uint32_t events) {
  if (one.connecting) {
    if (one.socket.tls() == nullptr) {
      if (const int error = dialer_.Outcome(one.socket.fd()); error != 0) return OnEnd(one, error);
      if (plan_.tls != nullptr) one.socket.StartTls(*plan_.tls);
    }
    if (!ShakeHands(one)) return;
    one.connecting = false;
    Send(one);
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    OnReadable(one);
  } else {
    Send(one);
  }
}

// False: TLS is not ready yet, or has failed.
bool ImpatientClients::ShakeHands(Try& one) {
  TlsSocket* const tls = one.socket.tls();
  if (tls == nullptr) return true;
  const TlsSocket::Result result = GoOnWithHandshake(*tls);
  if (result == TlsSocket::Result::kWaits) {
    const bool writes = tls->awaits() == POLLOUT;
    if (writes != one.waits_for_room) Await(one, writes ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    return false;
  }
  if (result != TlsSocket::Result::kDone) {
    OnEnd(one, tls->error());
    return false;
  }
  return true;
}

// What TLS has read ahead is taken at once, since epoll does not know of it. A reply ends the connection.
void ImpatientClients::OnReadable(Try& one) {
  do {
    Receive(one);
  } while (one.socket.ok() && one.socket.has_pending());
}

void ImpatientClients::Receive(Try& one) {
  const ssize_t count = one.socket.Receive(buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const int error = count < 0 ? errno : 0;
  now_ = Now();
  if (count <= 0) return OnEnd(one, error);
  if (IsCounted(now_)) tally_.bytes_in += static_cast<uint64_t>(count);
  absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  if (!one.is_judged) {
    one.begin.append(bytes.data(), bytes.size());
    const Verdict verdict = JudgeReply(one.begin);
    if (verdict == Verdict::kRefusal) return OnRefused(one);
    if (verdict == Verdict::kMayBecomeOne) return;
    one.is_judged = true;
    bytes = one.begin;
  }
  const Exchange::Reply reply = one.exchange->Take(bytes);
  if (reply == Exchange::Reply::kIncomplete) return;
  reply == Exchange::Reply::kWrong || !bytes.empty() ? OnWrong(one) : OnReply(one);
}

void ImpatientClients::Send(Try& one) {
  if (!one.unsent.empty()) {
    const ssize_t count = one.socket.Send(one.unsent);
    if (count > 0) one.unsent.remove_prefix(static_cast<size_t>(count));
    // A connection that is broken is readable as well, and noticed there.
  }
  const bool waits = !one.unsent.empty();
  if (waits != one.waits_for_room) Await(one, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void ImpatientClients::Await(Try& one, uint32_t events, int operation) {
  one.waits_for_room = (events & EPOLLOUT) != 0;
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &one;
  ::epoll_ctl(epoll_.get(), operation, one.socket.fd(), &event);
}

void ImpatientClients::OnDeadlines() {
  while (!deadlines_.empty() && deadlines_.front().time <= now_) {
    const Deadline deadline = deadlines_.front();
    deadlines_.pop_front();
    const bool is_same = deadline.one->socket.ok() && deadline.one->began == deadline.began;
    if (is_same) OnVain(*deadline.one, tally_.gave_up);
  }
}

// Events come before deadlines, and this thread may have been late.
void ImpatientClients::OnReply(Try& one) {
  if (now_ - one.began > give_up_after_) return OnVain(one, tally_.gave_up);
  const int64_t sent = one.began;
  CountReply(Free(one).due, sent, replies_);
}

void ImpatientClients::OnWrong(Try& one) {
  ++tally_.wrong;
  const int64_t sent = one.began;
  CountAge(Free(one).due, sent);
}

void ImpatientClients::OnRefused(Try& one) { OnVain(one, tally_.refused); }

// Without a word of a reply: an overloaded server has the right to close, but not to say what is no TLS. Otherwise the
// reply may end with the connection (HTTP/1.0), or was cut off.
void ImpatientClients::OnEnd(Try& one, int error) {
  const bool ends_reply = !one.begin.empty() && error == 0 && one.exchange->TakeEnd() == Exchange::Reply::kLast;
  if (ends_reply) return OnReply(one);
  if (!one.begin.empty() || error == EPROTO) {
    CountFailure(tally_.broken, error);
    const int64_t sent = one.began;
    return CountAge(Free(one).due, sent);
  }
  // The port, the descriptors or the server are missing: not its choice. A try all the same, and perhaps not the last.
  const bool is_missing =
      error == ECONNREFUSED || error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE || error == ENOBUFS;
  if (is_missing) CountFailure(tally_.not_connected, error);
  OnRefused(one);
}

void ImpatientClients::OnVain(Try& one, uint64_t& count) {
  Request request = Free(one);
  if (IsCounted(request.due)) ++count;
  ++request.tries;
  const bool may_try = impatience_.retry != Impatience::Retry::kNone && request.tries < impatience_.tries;
  if (may_try) {
    const double draw = std::uniform_real_distribution<double>(0, 1)(random_);
    return later_.push({now_ + WaitBeforeTry(impatience_, request.tries, draw), request});
  }
  if (IsCounted(request.due)) ++tally_.failed;
  CountAge(request.due, std::nullopt);
}

// close(2) also takes the socket out of the epoll set (epoll(7)).
ImpatientClients::Request ImpatientClients::Free(Try& one) {
  one.socket.Close();
  one.unsent = absl::string_view();
  one.connecting = false;
  one.waits_for_room = false;
  free_.push_back(&one);
  return one.request;
}

}  // namespace polyserve
