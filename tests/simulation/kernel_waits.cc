// The calls of the kernel that wait for descriptors: poll(2), select(2) and epoll(7), and what is ready for them.
#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "tests/simulation/kernel.h"
#include "tests/simulation/ring.h"

namespace polyserve::simulation {

namespace {

constexpr uint32_t kErrors = POLLERR | POLLHUP;

}  // namespace

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
    case File::Kind::kRing:
      return file.ring->has_completions() ? POLLIN : 0;
    case File::Kind::kStream:
      break;
  }
  Stream& stream = *file.stream;
  // tcp_poll() of a socket that is not connected, of one whose SYN is on its way, and of one that has failed.
  if (stream.dialing == Stream::Dialing::kNot) return POLLOUT | POLLHUP;
  if (stream.dialing == Stream::Dialing::kUnderWay) return 0;
  if (stream.dialing == Stream::Dialing::kFailed) return POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP;
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
  if (interest.is_disarmed || ((interest.events & EPOLLET) != 0 && !interest.is_pending)) return 0;
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
    // What is ready already is an event, with edges too.
    interests[fd] = {event->events, event->data, /*is_pending=*/true};
  }
  return static_cast<int>(Result("epoll_ctl", fd, operation, 0));
}

std::vector<std::pair<int, uint32_t>> Kernel::FindReady(int epoll) {
  std::vector<std::pair<int, uint32_t>> found;
  for (const auto& [fd, interest] : Find(epoll).interests) {
    const uint32_t ready = Reported(fd, interest);
    if (ready != 0) found.emplace_back(fd, ready);
  }
  return found;
}

int Kernel::WaitEpoll(int epoll, epoll_event* events, int most, Time time) {
  if (helper_.is_this_thread()) return WaitEpollAsHelper(epoll, events, most);
  Enter();
  std::vector<std::pair<int, uint32_t>> found;
  const auto look = [&] {
    found = FindReady(epoll);
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
  return static_cast<int>(Result("epoll_wait", epoll, time, Report(epoll, found, events, most)));
}

// Time passes for the server's thread alone.
int Kernel::WaitEpollAsHelper(int epoll, epoll_event* events, int most) {
  helper_epoll_ = epoll;
  while (true) {
    const bool may_come_again = helper_.Yield();
    std::vector<std::pair<int, uint32_t>> found = FindReady(epoll);
    if (found.empty() && !may_come_again) Fail("a thread is joined, and waits for ever");
    if (found.empty()) continue;
    helper_epoll_ = -1;
    return static_cast<int>(Result("(helper wakes)", epoll, 0, Report(epoll, found, events, most)));
  }
}

// In any order, and perhaps not all at once: the others come at the next wait.
int Kernel::Report(int epoll, std::vector<std::pair<int, uint32_t>>& found, epoll_event* events, int most) {
  for (size_t i = 1; i < found.size(); ++i) std::swap(found[i], found[random_.Below(i + 1)]);
  size_t count = std::min(found.size(), static_cast<size_t>(most));
  if (count > 1 && random_.OneIn(8)) count = 1 + random_.Below(count);
  for (size_t i = 0; i < count; ++i) {
    Interest& interest = Find(epoll).interests.at(found[i].first);
    interest.is_pending = false;
    interest.is_disarmed = (interest.events & EPOLLONESHOT) != 0;
    events[i].events = found[i].second;
    events[i].data = interest.data;
    trace_.Add(now_, "  ready", found[i].first, found[i].second, 0);
  }
  return static_cast<int>(count);
}

// --- io_uring(7). ---

// What was submitted counts, even if a signal ends the wait. If not all of it was, there is no wait.
int Kernel::EnterRing(int fd, Completions completions) {
  Enter();
  Ring& ring = FindRing(fd);
  const int submitted = ring.Submit();
  Wake wake = Wake::kReady;
  if (completions != Completions::kNotAsked && !ring.has_prepared()) {
    const auto look = [&ring] {
      ring.Work();
      return ring.has_completions();
    };
    wake = Wait(look, completions == Completions::kAwaited ? kNever : 0);
  }
  const int result = submitted == 0 && wake == Wake::kInterrupted ? -EINTR : submitted;
  trace_.Add(now_, "io_uring_enter", fd, completions == Completions::kAwaited ? 1 : 0, result);
  return result;
}

// --- Signals. ---

// Not all of it is the server's: the queue's bound counts the signals of all processes of the user (getrlimit(2)).
int Kernel::SetSignal(int fd, int signal) {
  Enter();
  signals_.SetRoom(random_.OneOf<size_t>({1, 3, 10, 1000}));
  Find(fd).io_signals.signal = signal;
  return static_cast<int>(Result("F_SETSIG", fd, 0, 0));
}

int Kernel::SetSending(int fd, bool sends) {
  Enter();
  File& file = Find(fd);
  const bool knows_it = file.kind == File::Kind::kListener || file.kind == File::Kind::kStream;
  if (!knows_it) return static_cast<int>(Result("FIOASYNC", fd, sends ? 1 : 0, -1, ENOTTY));
  file.io_signals.is_on = sends;
  return static_cast<int>(Result("FIOASYNC", fd, sends ? 1 : 0, 0));
}

// What the peer has done to a socket, as Linux signals it: sock_def_readable(), tcp_fin(), tcp_reset() and
// sk_stream_write_space() there. An end is often signalled twice: as itself, and as data.
void Kernel::SendSignals(int fd, uint32_t events) {
  const File& file = Find(fd);
  if (!file.io_signals.is_on) return;
  if ((events & POLLERR) != 0) return SendSignal(fd, POLL_ERR, POLLERR);
  if ((events & POLLHUP) != 0) {
    SendSignal(fd, POLL_HUP, POLLHUP | POLLERR);
  } else if ((events & POLLIN) != 0) {
    SendSignal(fd, POLL_IN, POLLIN | POLLRDNORM);
  }
  if ((events & POLLRDHUP) != 0 && random_.OneIn(2)) SendSignal(fd, POLL_IN, POLLIN | POLLRDNORM);
  const bool may_write = file.stream == nullptr || !file.stream->is_shut_down;
  if ((events & POLLOUT) != 0 && may_write) SendSignal(fd, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
}

void Kernel::SendSignal(int fd, int code, long band) {
  siginfo_t signal = {};
  signal.si_signo = Find(fd).io_signals.signal;
  signal.si_code = code;
  signal.si_band = band;
  signal.si_fd = fd;
  const bool is_queued = signal.si_signo != 0 && !random_.OneIn(30) && signals_.Add(signal);
  trace_.Add(now_, is_queued ? "(signal)" : "(SIGIO)", fd, band, 0);
  if (!is_queued) signals_.RaiseIo();
}

int Kernel::QueueSignal(int signal) {
  siginfo_t queued = {};
  queued.si_signo = signal;
  queued.si_code = SI_QUEUE;
  const bool is_queued = !random_.OneIn(10) && signals_.Add(queued);
  trace_.Add(now_, "pthread_sigqueue", 0, 0, is_queued ? 0 : EAGAIN);
  return is_queued ? 0 : EAGAIN;
}

int Kernel::WaitSignal(siginfo_t* info, Time time) {
  Enter();
  const Wake wake = Wait([this] { return !signals_.empty(); }, time);
  if (wake != Wake::kReady) {
    return static_cast<int>(Result("sigtimedwait", 0, time, -1, wake == Wake::kInterrupted ? EINTR : EAGAIN));
  }
  const siginfo_t signal = signals_.Take();
  if (info != nullptr) *info = signal;
  return static_cast<int>(Result("sigtimedwait", signal.si_fd, signal.si_band, signal.si_signo));
}

}  // namespace polyserve::simulation
