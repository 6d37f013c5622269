#include "tests/simulation/kernel.h"

#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"

namespace polyserve::simulation {

namespace {

// The server's thread has to wait for the processor, as any thread of a busy machine. Not so long that it could miss a
// time-out of seconds by itself.
constexpr Time kLongestDelay = 100 * kMillisecond;
// How often a stop interrupts; see net/signals.h.
constexpr Time kNudges = 50 * kMillisecond;
constexpr uint32_t kErrors = POLLERR | POLLHUP;

}  // namespace

Kernel* Kernel::current_ = nullptr;

// Numbers of its own, so that its whims are not those of the plan, which is made from the same seed.
Kernel::Kernel(uint64_t seed, const Limits& limits, std::string name)
    : random_(~seed), limits_(limits), name_(std::move(name)) {
  current_ = this;
  NoteEvent();
  signal_fd_ = Open({.kind = File::Kind::kEvent});
}

Kernel::~Kernel() { current_ = nullptr; }

void Kernel::After(Time delay, std::function<void()> happens) {
  events_.emplace(std::make_pair(now_ + delay, event_number_++), std::move(happens));
}

int Kernel::Listen() { return listener_ = Open({.kind = File::Kind::kListener}); }

bool Kernel::Connect(std::shared_ptr<Stream> stream) {
  if (!is_listening_ || refuses_clients_) return false;
  trace_.Add(now_, "(connects)", stream->number, 0, 0);
  queue_.push_back(std::move(stream));
  NotifyFile(listener_, POLLIN);
  return true;
}

void Kernel::Notify(const Stream& stream, uint32_t events) {
  if (stream.fd >= 0) NotifyFile(stream.fd, events);
}

void Kernel::Stop() {
  trace_.Add(now_, "(stop)", 0, 0, 0);
  stopping_ = true;
  has_stop_ = true;
  RenewGrace();
  Find(signal_fd_).count = 1;
  NotifyFile(signal_fd_, POLLIN);
  is_interrupted_ = true;
  NoteEvent();
  NudgeLater();
}

void Kernel::RenewGrace() {
  grace_end_ = now_ + limits_.stop_grace;
  NoteLookAround();
  After(limits_.stop_grace, [this] { NoteLookAround(); });
}

void Kernel::NudgeLater() {
  After(kNudges, [this] {
    if (!has_server_) return;
    is_interrupted_ = true;
    NudgeLater();
  });
}

// A peer that has more to do than this does it for ever.
void Kernel::RunOut() {
  has_server_ = false;
  const Time until = now_ + limits_.Patience();
  while (!events_.empty() && events_.begin()->first.first < until) {
    now_ = std::max(now_, events_.begin()->first.first);
    RunDue();
  }
}

bool Kernel::TakeStop() {
  Find(signal_fd_).count = 0;
  return std::exchange(has_stop_, false);
}

// --- Descriptors. ---

Kernel::File& Kernel::Find(int fd) {
  const auto found = files_.find(fd);
  if (found == files_.end()) Fail(absl::StrCat("a call names descriptor ", fd, ", which is not open"));
  return found->second;
}

Stream* Kernel::FindStream(int fd) { return Find(fd).stream.get(); }

// The lowest free number, as open(2) promises: one that was just closed comes back at once.
int Kernel::Open(File file) {
  int fd = kFirstDescriptor;
  while (files_.count(fd) != 0) ++fd;
  files_.emplace(fd, std::move(file));
  return fd;
}

// Each call costs a little time, and what has happened until then is seen by it.
void Kernel::Enter() {
  now_ += kCallTime;
  RunDue();
}

void Kernel::RunDue() {
  while (!events_.empty() && events_.begin()->first.first <= now_) {
    const std::function<void()> happens = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    happens();
  }
}

// `time` is a duration, or kNever. What is ready already is found without waiting; then no signal can interrupt.
Kernel::Wake Kernel::Wait(absl::FunctionRef<bool()> is_ready, Time time) {
  RunDue();
  if (is_ready()) return Wake::kReady;
  if (time <= 0) return Wake::kTimeOut;
  const Time until = time >= kNever - now_ ? kNever : now_ + time;
  is_interrupted_ = false;
  // A signal that has nothing to do with this.
  const Time signal = random_.OneIn(100) ? now_ + random_.Between(0, 10 * kMillisecond) : kNever;
  Wake wake = Wake::kTimeOut;
  while (true) {
    Time next = std::min(until, signal);
    if (!events_.empty()) next = std::min(next, events_.begin()->first.first);
    if (next > patience_ends_) Fail("the server waits for ever");
    now_ = std::max(now_, next);
    RunDue();
    if (is_ready()) {
      wake = Wake::kReady;
      break;
    }
    if (is_interrupted_ || now_ >= signal) {
      wake = Wake::kInterrupted;
      break;
    }
    if (now_ >= until) break;
  }
  TakeProcessor();
  return wake;
}

void Kernel::TakeProcessor() {
  if (!random_.OneIn(200)) return;
  const Time delay = random_.Between(0, kLongestDelay);
  delayed_ += delay;
  now_ += delay;
  trace_.Add(now_, "(delayed)", 0, 0, delay);
}

ssize_t Kernel::Result(const char* what, int fd, int64_t argument, ssize_t result, int error) {
  trace_.Add(now_, what, fd, argument, result < 0 ? -error : result);
  if (result < 0) errno = error;
  return result;
}

// --- Readiness. ---

// As poll(2) would report it.
uint32_t Kernel::Ready(int fd) {
  const File& file = Find(fd);
  switch (file.kind) {
    case File::Kind::kListener:
      return is_listening_ ? (queue_.empty() ? 0 : POLLIN) : POLLIN | POLLHUP;
    case File::Kind::kEvent:
      return (file.count > 0 ? POLLIN : 0) | POLLOUT;
    case File::Kind::kEpoll:
      for (const auto& [watched, interest] : file.interests) {
        if (Reported(watched, interest) != 0) return POLLIN;
      }
      return 0;
    case File::Kind::kStream:
      break;
  }
  Stream& stream = *file.stream;
  uint32_t ready = 0;
  if (stream.arrived_bytes() > 0 || stream.end_has_arrived || stream.is_reset) ready |= POLLIN;
  if (stream.end_has_arrived || stream.is_reset) ready |= POLLRDHUP;
  if (stream.is_writable()) {
    ready |= POLLOUT;
  } else {
    stream.was_full = true;  // Whoever asks and gets a no is told later: tcp_poll() does the same.
  }
  if (stream.has_error) ready |= POLLERR;
  if (stream.is_reset || (stream.end_has_arrived && stream.is_shut_down)) ready |= POLLHUP;
  return ready;
}

uint32_t Kernel::Reported(int fd, const Interest& interest) {
  if ((interest.events & EPOLLET) != 0 && !interest.is_pending) return 0;
  return Ready(fd) & ((interest.events & (POLLIN | POLLOUT | POLLRDHUP)) | kErrors);
}

void Kernel::NotifyFile(int fd, uint32_t events) {
  for (auto& [epoll, file] : files_) {
    if (file.kind != File::Kind::kEpoll) continue;
    const auto found = file.interests.find(fd);
    if (found != file.interests.end() && (events & (found->second.events | kErrors)) != 0)
      found->second.is_pending = true;
  }
}

int Kernel::NotePolls(pollfd* polls, size_t count) {
  int found = 0;
  for (size_t i = 0; i < count; ++i) {
    if (polls[i].fd < 0) continue;
    const uint32_t asked = static_cast<uint16_t>(polls[i].events) | kErrors;
    polls[i].revents = static_cast<short>(Ready(polls[i].fd) & asked);
    if (polls[i].revents != 0) ++found;
  }
  return found;
}

int Kernel::Poll(pollfd* polls, size_t count, Time time) {
  Enter();
  for (size_t i = 0; i < count; ++i) polls[i].revents = 0;
  int found = 0;
  const Wake wake = Wait(
      [&] {
        found = NotePolls(polls, count);
        return found > 0;
      },
      time);
  const int first = count > 0 ? polls[0].fd : -1;
  if (wake == Wake::kInterrupted) return static_cast<int>(Result("poll", first, time, -1, EINTR));
  // In vain (select(2), BUGS). Only for sockets that do not block: TCP on Linux does not do it, and the blocking driver
  // relies on that.
  if (found == 0 && time != 0 && count > 0 && random_.OneIn(50)) {
    pollfd& one = polls[random_.Below(count)];
    const File* file = one.fd >= 0 ? &Find(one.fd) : nullptr;
    if (file != nullptr && file->stream != nullptr && file->stream->is_nonblocking && (one.events & POLLIN) != 0) {
      NoteWakeInVain(*file->stream);
      one.revents = POLLIN;
      found = 1;
    }
  }
  return static_cast<int>(Result("poll", first, time, found));
}

int Kernel::Select(int highest, fd_set* readable, fd_set* writable, Time time) {
  std::vector<pollfd> polls;
  for (int fd = 0; fd < highest; ++fd) {
    const int events = (FD_ISSET(fd, readable) ? POLLIN : 0) | (FD_ISSET(fd, writable) ? POLLOUT : 0);
    if (events != 0) polls.push_back({fd, static_cast<short>(events), 0});
  }
  if (Poll(polls.data(), polls.size(), time) < 0) return -1;
  int bits = 0;
  for (const pollfd& one : polls) {
    const bool in = (one.events & POLLIN) != 0 && (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool out = (one.events & POLLOUT) != 0 && (one.revents & (POLLOUT | POLLERR)) != 0;
    if (!in) FD_CLR(one.fd, readable);
    if (!out) FD_CLR(one.fd, writable);
    bits += static_cast<int>(in) + static_cast<int>(out);
  }
  return bits;
}

// --- epoll(7). ---

int Kernel::CreateEpoll() { return Open({.kind = File::Kind::kEpoll}); }

int Kernel::ControlEpoll(int epoll, int operation, int fd, const epoll_event* event) {
  Enter();
  std::map<int, Interest>& interests = Find(epoll).interests;
  Find(fd);
  const bool is_known = interests.count(fd) != 0;
  if (is_known != (operation != EPOLL_CTL_ADD)) {
    return static_cast<int>(Result("epoll_ctl", fd, operation, -1, is_known ? EEXIST : ENOENT));
  }
  if (operation == EPOLL_CTL_DEL) {
    interests.erase(fd);
  } else {
    if ((event->events & EPOLLONESHOT) != 0) Fail("EPOLLONESHOT is not simulated");
    // What is ready already is an event, with edges too.
    interests[fd] = {event->events, event->data, /*is_pending=*/true};
  }
  return static_cast<int>(Result("epoll_ctl", fd, operation, 0));
}

int Kernel::WaitEpoll(int epoll, epoll_event* events, int most, Time time) {
  Enter();
  std::vector<std::pair<int, uint32_t>> found;
  const auto look = [&] {
    found.clear();
    for (const auto& [fd, interest] : Find(epoll).interests) {
      const uint32_t ready = Reported(fd, interest);
      if (ready != 0) found.emplace_back(fd, ready);
    }
    return !found.empty();
  };
  if (Wait(look, time) == Wake::kInterrupted) return static_cast<int>(Result("epoll_wait", epoll, time, -1, EINTR));
  std::map<int, Interest>& interests = Find(epoll).interests;
  if (found.empty() && time != 0 && !interests.empty() && random_.OneIn(50)) {  // In vain.
    const auto any = std::next(interests.begin(), static_cast<int64_t>(random_.Below(interests.size())));
    const uint32_t wanted = any->second.events & (POLLIN | POLLOUT);
    if (Stream* const stream = FindStream(any->first); stream != nullptr && wanted != 0) {
      NoteWakeInVain(*stream);
      found.emplace_back(any->first, wanted);
    }
  }
  // In any order, and perhaps not all at once: the others come at the next wait.
  for (size_t i = 1; i < found.size(); ++i) std::swap(found[i], found[random_.Below(i + 1)]);
  size_t count = std::min(found.size(), static_cast<size_t>(most));
  if (count > 1 && random_.OneIn(8)) count = 1 + random_.Below(count);
  for (size_t i = 0; i < count; ++i) {
    Interest& interest = interests.at(found[i].first);
    interest.is_pending = false;
    events[i].events = found[i].second;
    events[i].data = interest.data;
    trace_.Add(now_, "  ready", found[i].first, found[i].second, 0);
  }
  return static_cast<int>(Result("epoll_wait", epoll, time, static_cast<ssize_t>(count)));
}

// --- eventfd(2). ---

int Kernel::CreateEvent() { return Open({.kind = File::Kind::kEvent}); }

ssize_t Kernel::ReadEvent(int fd, uint64_t& count) {
  Enter();
  File& file = Find(fd);
  if (file.count == 0) return Result("read", fd, 0, -1, EAGAIN);
  count = std::exchange(file.count, 0);
  return Result("read", fd, 0, sizeof(count));
}

ssize_t Kernel::WriteEvent(int fd, uint64_t count) {
  Enter();
  Find(fd).count += count;
  NotifyFile(fd, POLLIN);
  return Result("write", fd, 0, sizeof(count));
}

// --- Sockets. ---

int Kernel::Accept(int fd, bool non_blocking) {
  Enter();
  Find(fd);
  if (!is_listening_) return static_cast<int>(Result("accept", fd, 0, -1, EINVAL));
  if (queue_.empty()) return static_cast<int>(Result("accept", fd, 0, -1, EAGAIN));
  std::shared_ptr<Stream> stream = queue_.front();
  queue_.erase(queue_.begin());
  // Inherited from the listener, as net/socket.h sets it.
  stream->read_timeout = limits_.idle_timeout;
  stream->write_timeout = std::min(limits_.idle_timeout, limits_.send_wait);
  stream->is_nonblocking = non_blocking;
  stream->fd = Open({.kind = File::Kind::kStream, .waits = !non_blocking, .stream = stream});
  stream->judge.OnAccept(now_, delayed_);
  last_accepted_ = stream;
  NoteEvent();
  return static_cast<int>(Result("accept", fd, stream->number, stream->fd));
}

// What has arrived comes first, even before a reset. Null data: there is nothing yet.
ssize_t Kernel::TakeArrived(int fd, Stream& stream, char* buffer, size_t size) {
  if (stream.arrived_bytes() > 0) {
    const std::string bytes = stream.TakeArrived(size);
    std::copy(bytes.begin(), bytes.end(), buffer);
    stream.judge.OnMove(now_, delayed_);
    return Result("recv", fd, static_cast<int64_t>(size), static_cast<ssize_t>(bytes.size()));
  }
  stream.end_was_read = true;
  if (std::exchange(stream.has_error, false)) return Result("recv", fd, static_cast<int64_t>(size), -1, ECONNRESET);
  return Result("recv", fd, static_cast<int64_t>(size), 0);
}

ssize_t Kernel::Receive(int fd, char* buffer, size_t size, bool waits) {
  Enter();
  const std::shared_ptr<Stream> stream = Find(fd).stream;
  if (stream == nullptr) Fail("recv(2) on what is no connection");
  const auto is_readable = [&] {
    return stream->arrived_bytes() > 0 || stream->end_has_arrived || stream->is_reset || stream->has_error;
  };
  const Time time = waits && !stream->is_nonblocking ? stream->read_timeout : 0;
  const Wake wake = Wait(is_readable, time);
  if (wake == Wake::kReady) return TakeArrived(fd, *stream, buffer, size);
  return Result("recv", fd, static_cast<int64_t>(size), -1, wake == Wake::kInterrupted ? EINTR : EAGAIN);
}

// A blocking send takes all, or what it could until the time-out or a signal; a non-blocking one comes short only if
// the socket is full.
ssize_t Kernel::Send(int fd, absl::string_view bytes, bool waits) {
  Enter();
  const std::shared_ptr<Stream> stream = Find(fd).stream;
  if (stream == nullptr) Fail("send(2) on what is no connection");
  if (stream->is_shut_down) Fail(absl::StrCat("descriptor ", fd, " sends behind its shutdown(2)"));
  const auto size = static_cast<int64_t>(bytes.size());
  const bool is_blocking = waits && !stream->is_nonblocking;
  const Time begin = now_;
  size_t sent = 0;
  int error = EAGAIN;
  while (sent < bytes.size()) {
    if (stream->is_reset) {
      error = std::exchange(stream->has_error, false) ? ECONNRESET : EPIPE;
      stream->end_was_read = true;
      break;
    }
    const size_t count = std::min(stream->room(), bytes.size() - sent);
    if (count > 0) {
      stream->unacknowledged.append(bytes.data() + sent, count);
      stream->written_total += static_cast<int64_t>(count);
      sent += count;
      stream->peer->OnOutput();
      continue;
    }
    stream->was_full = true;
    if (!is_blocking) break;
    const Time left = stream->write_timeout == kNever ? kNever : begin + stream->write_timeout - now_;
    const Wake wake = Wait([&] { return stream->is_writable(); }, left);
    if (wake == Wake::kInterrupted) error = EINTR;
    if (wake != Wake::kReady) break;
  }
  if (sent > 0) return Result("send", fd, size, static_cast<ssize_t>(sent));
  return Result("send", fd, size, -1, error);
}

ssize_t Kernel::SendFile(int fd, int file, off_t* offset, size_t count) {
  std::string bytes(std::min<size_t>(count, size_t{1} << 20), '\0');
  const ssize_t read = ::pread(file, bytes.data(), bytes.size(), *offset);
  if (read <= 0) return read;
  // No more than there is room for, or one that comes short would have to put the rest back.
  const ssize_t sent = Send(fd, absl::string_view(bytes).substr(0, static_cast<size_t>(read)), /*waits=*/true);
  if (sent > 0) *offset += sent;
  return sent;
}

int Kernel::Shutdown(int fd) {
  Enter();
  File& file = Find(fd);
  if (file.kind == File::Kind::kListener) {
    ResetQueue();
    return static_cast<int>(Result("shutdown", fd, 0, 0));
  }
  Stream& stream = *file.stream;
  if (stream.is_reset) return static_cast<int>(Result("shutdown", fd, 0, -1, ENOTCONN));
  if (stream.is_shut_down) Fail(absl::StrCat("descriptor ", fd, " is shut down twice"));
  stream.is_shut_down = true;
  stream.shut_down_at = now_;
  NotifyFile(fd, POLLOUT | (stream.end_has_arrived ? POLLHUP : 0));
  stream.peer->OnOutput();
  return static_cast<int>(Result("shutdown", fd, 0, 0));
}

// A poller may not hold a descriptor whose number can be given out again (backends/poller/poller.h).
int Kernel::Close(int fd) {
  Enter();
  const File file = Find(fd);
  for (const auto& [epoll, other] : files_) {
    if (other.interests.count(fd) == 0) continue;
    if (file.kind == File::Kind::kStream) Fail(absl::StrCat("descriptor ", fd, " is closed while it is watched"));
    files_.at(epoll).interests.erase(fd);
  }
  files_.erase(fd);
  trace_.Add(now_, "close", fd, 0, 0);
  if (file.kind == File::Kind::kListener) ResetQueue();
  if (file.kind == File::Kind::kStream) {
    Stream& stream = *file.stream;
    stream.is_closed = true;
    stream.fd = -1;
    stream.peer->OnClose();
    // Unread input turns the close into a reset (RFC 9293, section 3.10.4; RFC 2525, section 2.17).
    if (!stream.is_reset && (stream.resets_on_close || stream.arrived_bytes() > 0)) {
      stream.is_reset = true;
      stream.peer->OnReset();
    } else {
      stream.is_shut_down = true;
      stream.peer->OnOutput();
    }
  }
  return 0;
}

void Kernel::ResetQueue() {
  is_listening_ = false;
  for (const std::shared_ptr<Stream>& stream : queue_) {
    stream->is_reset = true;
    stream->peer->OnReset();
  }
  queue_.clear();
}

}  // namespace polyserve::simulation
