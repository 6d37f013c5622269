#include "client/load/chat_crowd.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/sys_error.h"
#include "client/load/exchange.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr int kEventsPerWait = 256;
constexpr int64_t kLongestWait = LoadThread::kSecond / 10;
constexpr int64_t kMillisecond = 1'000'000;
constexpr uint64_t kSpeaker = UINT64_MAX;  // No listener has this index.

// A text of `size` bytes that contains the message's number, as far as there is room, so that a missing or swapped
// message is noticed.
std::string Text(uint64_t number, size_t size) {
  std::string text = PrintableText(size);
  const std::string digits = absl::StrFormat("%020d", number);
  const size_t count = std::min(size, digits.size());
  return text.replace(0, count, digits.substr(digits.size() - count));
}

}  // namespace

ChatCrowd::ChatCrowd(const LoadPlan& share, size_t text_bytes, const std::vector<Endpoint>& listen_at)
    : LoadThread(share),
      text_bytes_(text_bytes),
      speaker_name_(absl::StrCat("load-", ::getpid(), "-speaker")),
      is_room_shared_(!listen_at.empty()),
      dialer_(share.to),
      dialers_(listen_at.begin(), listen_at.end()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      listeners_(static_cast<size_t>(share.connections)),
      messages_(static_cast<size_t>(share.depth)),
      buffer_(kReadBytes) {
  if (dialers_.empty()) dialers_.push_back(dialer_);
}

// The speaker joins last, and each listener waits for the notice of that: everything after it is a message of the
// speaker. The notices of those who join meanwhile wait in the kernel and in the listener's mailbox in the server, and
// are skipped then. If servers share the room, what one of them tells arrives in its order, but what two of them
// tell in any: so one listener of each calls when all are there, and behind the last call nothing is left to arrive.
absl::Status ChatCrowd::Connect() {
  if (!epoll_.ok()) return SysError("epoll_create1");
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (absl::Status status = Enter(dialers_[i % dialers_.size()], listeners_[i], NameOf(i)); !status.ok()) {
      return status;
    }
    ++tally_.connected;
  }
  Listener speaker;
  if (absl::Status status = Enter(dialer_, speaker, speaker_name_); !status.ok()) return status;
  const std::vector<std::string> calls = is_room_shared_ ? CallFromEachServer() : std::vector<std::string>();
  if (absl::Status status = AwaitLines(speaker, calls); !status.ok()) return status;
  // Nothing can follow yet, since the speaker says nothing before Load(): so `early` is empty from here on.
  for (size_t i = 0; i < listeners_.size(); ++i) {
    std::vector<std::string> wanted = calls;
    wanted.push_back(speaker_name_);
    std::erase_if(wanted, [own = NameOf(i) + " "](const std::string& line) { return absl::StartsWith(line, own); });
    if (absl::Status status = AwaitLines(listeners_[i], std::move(wanted)); !status.ok()) return status;
    Watch(listeners_[i].socket.fd(), i, EPOLLIN, EPOLL_CTL_ADD);
  }
  speaker_ = std::move(speaker.socket);
  Watch(speaker_.fd(), kSpeaker, EPOLLIN, EPOLL_CTL_ADD);
  listening_ = plan_.connections;  // From now on Drop() counts those that are lost.
  return absl::OkStatus();
}

std::string ChatCrowd::NameOf(size_t listener) { return absl::StrCat("load-", ::getpid(), "-", listener); }

// The last of each server. The buffers of their sockets are empty, as in Enter().
std::vector<std::string> ChatCrowd::CallFromEachServer() {
  std::vector<std::string> calls;
  const size_t servers = std::min(dialers_.size(), listeners_.size());
  for (size_t i = listeners_.size() - servers; i < listeners_.size(); ++i) {
    listeners_[i].socket.Send(absl::StrCat("C ", NameOf(i), " here\n"));
    calls.push_back(absl::StrCat(NameOf(i), " : here"));
  }
  return calls;
}

// The command needs no waiting for room: the buffer of a new socket is empty. A failure to send shows in the wait for
// the answer.
absl::Status ChatCrowd::Enter(Dialer& dialer, Listener& listener, const std::string& name) {
  absl::StatusOr<UniqueFd> fd = dialer.Connect(plan_.patience);
  if (!fd.ok()) return fd.status();
  listener.socket = LoadSocket(*std::move(fd));
  if (plan_.tls != nullptr) {
    if (absl::Status status = listener.socket.OpenTls(*plan_.tls, plan_.patience); !status.ok()) return status;
    tls_ = listener.socket.tls()->version_and_cipher();
  }
  listener.socket.Send(absl::StrCat("L ", name, "\n"));
  return AwaitLines(listener, {"OK"});
}

absl::Status ChatCrowd::AwaitLines(Listener& listener, std::vector<std::string> wanted) {
  const Deadline deadline(plan_.patience);
  while (!wanted.empty()) {
    const size_t end = listener.early.find('\n');
    if (end == std::string::npos) {
      if (absl::Status status = ReadMore(listener, deadline); !status.ok()) return status;
      continue;
    }
    const std::string line = listener.early.substr(0, end);
    listener.early.erase(0, end + 1);
    if (absl::StartsWith(line, "ERR ")) return absl::InvalidArgumentError(absl::StrCat("the server says: ", line));
    std::erase_if(wanted, [&line](const std::string& one) { return absl::StrContains(line, one); });
  }
  return absl::OkStatus();
}

// Waits with poll(2), because the dialer's sockets do not block. If the service is no chat room, the wait
// ends here: the time passes, or the server closes.
absl::Status ChatCrowd::ReadMore(Listener& listener, const Deadline& deadline) {
  pollfd readable = {listener.socket.fd(), POLLIN, 0};
  if (!listener.socket.has_pending() && ::poll(&readable, 1, deadline.PollMilliseconds()) == 0 && deadline.passed()) {
    return absl::UnavailableError("the room does not answer; is this a chat listener?");
  }
  const ssize_t count = listener.socket.Receive(buffer_.data(), buffer_.size());
  if (count > 0) listener.early.append(buffer_.data(), static_cast<size_t>(count));
  if (count == 0) return absl::UnavailableError("the server closes the connection; is this a chat listener?");
  if (count < 0 && errno != EAGAIN && errno != EINTR) return SysError("recv");
  return absl::OkStatus();
}

void ChatCrowd::Watch(int fd, uint64_t who, uint32_t events, int operation) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = who;
  ::epoll_ctl(epoll_.get(), operation, fd, &event);
}

// Without a listener no message would ever be complete, and the window would stay full.
void ChatCrowd::Load() {
  for (Listener& listener : listeners_) listener.replies = 0;
  while (!IsOver() && speaker_.ok() && listening_ > 0) {
    Speak();
    Wait(std::min(end_, now_ + kLongestWait));
  }
}

void ChatCrowd::Wait(int64_t until) {
  epoll_event events[kEventsPerWait];
  // Rounded down, so that the load ends on time: the last millisecond is spent in waits of 0.
  const int64_t wait = std::max<int64_t>(until - Now(), 0) / kMillisecond;
  const int count = ::epoll_wait(epoll_.get(), events, kEventsPerWait, static_cast<int>(wait));
  now_ = Now();
  for (int i = 0; i < count; ++i) {
    const uint64_t who = events[i].data.u64;
    if (who == kSpeaker) {
      OnSpeaker();
    } else if (listeners_[who].socket.ok()) {
      OnReadable(listeners_[who]);
    }
  }
}

// Fills the window of messages under way. All of them leave in one write, and each counts from now, including the time
// for which the server's slow reading holds it back here. While a rest is unsent the window stays as it is.
void ChatCrowd::Speak() {
  if (!unsent_.empty()) return;
  for (; end_of_said_ - first_ < messages_.size(); ++end_of_said_) {
    const std::string text = Text(end_of_said_, text_bytes_);
    // The ring has `depth` places, and first_ has passed the message that was here before: every listener has received
    // it, or was dropped.
    message(end_of_said_) = {absl::StrCat(speaker_name_, " : ", text, "\n"), now_, listening_};
    absl::StrAppend(&unsent_, "C ", speaker_name_, " ", text, "\n");
  }
  Flush();
}

// Watches for writability only while something is unsent: an idle socket is always writable, and would wake each wait.
void ChatCrowd::Flush() {
  // An error needs no handling: the socket is then readable as well, and OnSpeaker() learns of it. With a full window
  // there is nothing to send, and a send(2) of no bytes has no effect on a stream.
  const ssize_t count = speaker_.Send(unsent_);
  if (count > 0) unsent_.erase(0, static_cast<size_t>(count));
  const bool waits = !unsent_.empty();
  if (waits != std::exchange(speaker_waits_, waits)) {
    Watch(speaker_.fd(), kSpeaker, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }
}

// The room sends the speaker nothing but refusals. If there is nothing to read, the event was that it may send again.
void ChatCrowd::OnSpeaker() {
  // Any text is a fault. A refused message would be missing at all listeners, and they would wait for it until the end.
  const ssize_t count = speaker_.Receive(buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Flush();
  if (count > 0) {
    ++tally_.wrong;
  } else {
    CountFailure(tally_.broken, count == 0 ? 0 : errno);
  }
  speaker_.Close();
}

// One read for each event, as in LoadWorker: a listener with much to read does not delay the others' times. But what
// TLS has read ahead is taken at once, since epoll does not know of it.
void ChatCrowd::OnReadable(Listener& listener) {
  do {
    Receive(listener);
  } while (listener.socket.has_pending());
}

void ChatCrowd::Receive(Listener& listener) {
  const ssize_t count = listener.socket.Receive(buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    CountFailure(tally_.broken, count == 0 ? 0 : errno);
    return Drop(listener);
  }
  now_ = Now();
  if (IsCounted(now_)) tally_.bytes_in += static_cast<uint64_t>(count);
  absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  while (!bytes.empty()) {  // More than the speaker has said is as wrong as something else.
    // The first condition also protects the ring: message() of a number that was not said yet would be another one.
    if (listener.next == end_of_said_ || !TakeSame(message(listener.next).line, listener.taken, bytes)) {
      ++tally_.wrong;
      return Drop(listener);
    }
    if (listener.taken == message(listener.next).line.size()) OnHeard(listener);
  }
}

void ChatCrowd::OnHeard(Listener& listener) {
  Message& heard = message(listener.next++);
  listener.taken = 0;
  --heard.missing;
  // Due when it was said: a closed loop, so the two times are one. `now_` is that of the read that brought its last
  // byte.
  CountReply(heard.sent, heard.sent, listener.replies);
  while (first_ < end_of_said_ && message(first_).missing == 0) ++first_;
}

// The messages that it has not received no longer wait for it, so that the others can go on. They count as unanswered,
// with the age that they have now.
void ChatCrowd::Drop(Listener& listener) {
  listener.socket.Close();
  --listening_;
  for (; listener.next < end_of_said_; ++listener.next) {
    --message(listener.next).missing;
    CountUnanswered(message(listener.next).sent, message(listener.next).sent);
  }
  while (first_ < end_of_said_ && message(first_).missing == 0) ++first_;
}

// Nothing new is said here. Drop() counts what a listener still misses when the patience is over.
void ChatCrowd::Settle() {
  while (first_ < end_of_said_ && speaker_.ok() && now_ < give_up_) Wait(std::min(give_up_, now_ + kLongestWait));
  for (Listener& listener : listeners_) {
    // In the order of the listeners, those that were dropped included: an uneven room must show in the fairness.
    tally_.per_connection.push_back(listener.replies);
    if (listener.socket.ok() && listener.next < end_of_said_) Drop(listener);
  }
}

}  // namespace polyserve
