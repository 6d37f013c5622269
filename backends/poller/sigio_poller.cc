#include "backends/poller/sigio_poller.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "backends/poller/failed_wait.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// How many signals an overflow discards at most: as many again fit into the queue then. The bound is for a queue that
// fills as fast as it is emptied.
constexpr int kMostDiscarded = 1 << 17;

// The C library gives it a number at run time: it keeps the first ones for itself (signal(7)).
int IoSignal() { return SIGRTMIN; }

short ToPoll(uint8_t events) {
  int bits = 0;
  if ((events & Poller::kReadable) != 0) bits |= POLLIN;
  if ((events & Poller::kWritable) != 0) bits |= POLLOUT;
  if ((events & Poller::kPeerClosed) != 0) bits |= POLLRDHUP;
  return static_cast<short>(bits);
}

// Of poll(2) or of a signal's si_band, which has the same bits. An error or a hang-up counts as all that is wanted.
uint8_t FromBits(long bits, uint8_t wanted) {
  uint8_t events = 0;
  const bool is_broken = (bits & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  if ((bits & POLLIN) != 0 || is_broken) events |= Poller::kReadable;
  if ((bits & POLLOUT) != 0 || is_broken) events |= Poller::kWritable;
  if ((bits & POLLRDHUP) != 0) events |= Poller::kPeerClosed;
  return static_cast<uint8_t>(events & wanted);
}

timespec TimeLeft(Poller::Clock::time_point until) {
  if (until == Poller::kNoWait) return {0, 0};
  const auto left = std::max(until - Poller::Clock::now(), Poller::Clock::duration(0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {static_cast<time_t>(seconds.count()), static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
}

}  // namespace

SigioPoller::SigioPoller() : thread_(::gettid()) {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, IoSignal());
  ::sigaddset(&signals_, SIGIO);
}

absl::StatusOr<std::unique_ptr<Poller>> SigioPoller::Create(Trigger) {  // Each descriptor has its own, see kEdge.
  std::unique_ptr<SigioPoller> poller(new SigioPoller);
  ::pthread_sigmask(SIG_BLOCK, &poller->signals_, nullptr);
  // Of an earlier poller of this thread.
  const timespec no_wait = {0, 0};
  while (::sigtimedwait(&poller->signals_, nullptr, &no_wait) > 0) continue;
  return poller;
}

// Without an owner nothing is sent, and without F_SETSIG it would be SIGIO, which says nothing about the descriptor. So
// FIOASYNC comes last; unlike F_SETFL with O_ASYNC it leaves the other flags alone, and says if the file cannot do it:
// false. F_SETOWN would name the process, and any of its threads would get the signal.
absl::StatusOr<bool> SigioPoller::StartSignals(int fd, bool may_be_others) {
  const f_owner_ex owner = {F_OWNER_TID, thread_};
  if (::fcntl(fd, F_SETOWN_EX, &owner) != 0) return SysError("fcntl(F_SETOWN_EX)");
  if (::fcntl(fd, F_SETSIG, IoSignal()) != 0) return SysError("fcntl(F_SETSIG)");
  // The kernel notes the number that signals have as si_fd only when the flag changes, and another server, from which a
  // listener comes, has set it for a number of its own.
  int off = 0, on = 1;
  if (may_be_others) ::ioctl(fd, FIOASYNC, &off);
  if (::ioctl(fd, FIOASYNC, &on) == 0) return true;
  if (errno == ENOTTY) return false;
  return SysError("ioctl(FIOASYNC)");
}

absl::Status SigioPoller::AddToRelay(int fd, uint8_t events) {
  if (relay_ == nullptr) {
    absl::StatusOr<std::unique_ptr<SignalRelay>> relay = SignalRelay::Create(IoSignal());
    if (!relay.ok()) return relay.status();
    relay_ = *std::move(relay);
  }
  return relay_->Add(fd, events);
}

absl::Status SigioPoller::Add(int fd, uint8_t events, Watched& watched) {
  const bool is_shared = (events & kExclusive) != 0;
  // Listeners are watched without kEdge, and connections with it, so that those cost no system call more.
  const bool may_be_others = (events & kEdge) == 0;
  const absl::StatusOr<bool> sends = is_shared ? absl::StatusOr<bool>(false) : StartSignals(fd, may_be_others);
  if (!sends.ok()) return sends.status();
  if (!*sends) {
    if (absl::Status status = AddToRelay(fd, events); !status.ok()) return status;
  }
  if (slots_.size() <= static_cast<size_t>(fd)) slots_.resize(static_cast<size_t>(fd) + 1);
  slot(fd) = {.watched = &watched, .events = events, .is_relayed = !*sends};
  if (*sends) MarkUnsure(fd);
  return absl::OkStatus();
}

// What is sent does not depend on the events, so the descriptor itself stays as it is. Asking it once more also makes
// TCP send a signal when there is room again (tcp_poll() in the kernel marks a socket that is full).
absl::Status SigioPoller::Change(int fd, uint8_t events, Watched& watched) {
  Forget(watched, events);
  slot(fd).events = events;
  if (!slot(fd).is_relayed) {
    MarkUnsure(fd);
    return absl::OkStatus();
  }
  absl::Status status = relay_->Change(fd, events);
  if (!status.ok()) Remove(fd, watched);
  return status;
}

// Only of listeners, and not during a stop, when another server may have taken them for good.
absl::Status SigioPoller::TakeBack(int fd) {
  if ((slot(fd).events & kEdge) != 0 || Signals::stopping()) return absl::OkStatus();
  return StartSignals(fd, true).status();
}

// Signals that are queued stay there: NoteSignal() finds no owner, or the next one.
void SigioPoller::Remove(int fd, Watched& watched) {
  Forget(watched);
  if (slot(fd).is_unsure) std::erase(unsure_, fd);
  if (slot(fd).is_relayed) {
    relay_->Remove(fd);
  } else if (IsOwner(fd)) {
    int off = 0;
    ::ioctl(fd, FIOASYNC, &off);
  }
  slot(fd) = Slot();
}

// The owner belongs to the open file, so another server that goes on with a listener (net/handover.h) has taken its
// signals over. That happens only around a stop, so that before one no connection costs this question.
bool SigioPoller::IsOwner(int fd) const {
  f_owner_ex owner = {F_OWNER_TID, thread_};
  return !Signals::stopping() || ::fcntl(fd, F_GETOWN_EX, &owner) != 0 || owner.pid == thread_;
}

void SigioPoller::MarkUnsure(int fd) {
  if (!slot(fd).is_unsure) unsure_.push_back(fd);
  slot(fd).is_unsure = true;
}

absl::Status SigioPoller::Wait(Clock::time_point until) {
  ++wait_;
  const absl::StatusOr<int> unsure = AskUnsure();
  if (!unsure.ok()) return unsure.status();
  const absl::StatusOr<int> relayed = AskRelay();
  if (!relayed.ok()) return relayed.status();
  // A signal is taken in any case: a descriptor that is always ready must not keep the others from being served.
  return TakeSignal(*unsure + *relayed > 0 ? kNoWait : until);
}

// One poll(2) for all that were added or changed since the last wait, however many clients were accepted. What happens
// after it sends a signal.
absl::StatusOr<int> SigioPoller::AskUnsure() {
  if (unsure_.empty()) return 0;
  polls_.clear();
  for (const int fd : unsure_) polls_.push_back({fd, ToPoll(slot(fd).events), 0});
  const int ready = ::poll(polls_.data(), polls_.size(), 0);
  // It returns at once, but with EINTR if a handler ran and none is ready. 1: do not wait, but ask again.
  if (ready < 0) {
    const absl::Status status = StatusOfFailedWait("poll");
    return status.ok() ? absl::StatusOr<int>(1) : status;
  }
  unsure_.clear();
  for (const pollfd& asked : polls_) {
    Slot& one = slot(asked.fd);
    const uint8_t events = FromBits(asked.revents, one.events);
    if (events != 0) {
      NoteReady(*one.watched, events);
      one.noted_in = wait_;
    }
    one.is_unsure = events != 0 && one.is_level();
    if (one.is_unsure) unsure_.push_back(asked.fd);
  }
  return ready;
}

absl::StatusOr<int> SigioPoller::AskRelay() {
  if (relay_ == nullptr) return 0;
  return relay_->TakeReady(
      [this](int fd, uint8_t events) { NoteReady(*slot(fd).watched, static_cast<uint8_t>(events & slot(fd).events)); });
}

// One signal for each wait: a second call would as a rule only find the queue empty. SIGIO has the lower number, so the
// kernel reports an overflow first (signal(7)). EINTR: a handler ran, for another signal.
absl::Status SigioPoller::TakeSignal(Clock::time_point until) {
  siginfo_t info;
  const timespec left = TimeLeft(until);
  const int signal = until == kForEver ? ::sigwaitinfo(&signals_, &info) : ::sigtimedwait(&signals_, &info, &left);
  if (signal < 0) return errno == EAGAIN || errno == EINTR ? absl::OkStatus() : SysError("sigtimedwait");
  if (signal == SIGIO) return AskAll();
  if (info.si_code == SI_QUEUE) {  // Not the kernel's, but from the relay's thread.
    if (relay_ != nullptr) relay_->LookAgain();
    return AskRelay().status();
  }
  NoteSignal(info.si_fd, info.si_band);
  return absl::OkStatus();
}

// What poll(2) has noted in this wait is left to the next one, which asks again: together, the last bytes and the end
// of input behind them would be one event, and it would not say that the end has come.
void SigioPoller::NoteSignal(int fd, long band) {
  if (fd < 0 || slots_.size() <= static_cast<size_t>(fd)) return;
  const Slot& one = slot(fd);
  if (one.watched == nullptr) return;
  if (one.noted_in == wait_) return MarkUnsure(fd);
  const uint8_t events = FromBits(band, one.events);
  if (events == 0) return;
  NoteReady(*one.watched, events);
  if (one.is_level()) MarkUnsure(fd);
}

// The queue was full, so signals were lost: of whom, SIGIO does not say. In this order: what is discarded happened
// before the question, and what happens after it is queued again. Or the SIGIO is lifecycle/upgrade.h's: a new server
// had taken the listeners, and has ended. A SIGIO for which there was no room in the queue looks the same as one that a
// process has sent, so either reason has both effects.
absl::Status SigioPoller::AskAll() {
  const timespec no_wait = {0, 0};
  for (int i = 0; i < kMostDiscarded; ++i) {
    if (::sigtimedwait(&signals_, nullptr, &no_wait) < 0) break;
  }
  for (size_t fd = 0; fd < slots_.size(); ++fd) {
    if (slots_[fd].watched == nullptr || slots_[fd].is_relayed) continue;
    if (absl::Status status = TakeBack(static_cast<int>(fd)); !status.ok()) return status;
    MarkUnsure(static_cast<int>(fd));
  }
  LOG_FLOOD(WARNING) << "the queue of signals is full (RLIMIT_SIGPENDING), or another server had the listeners: "
                     << "asks all " << unsure_.size() << " descriptors by poll(2), and goes on";
  if (relay_ != nullptr) relay_->LookAgain();
  const absl::StatusOr<int> relayed = AskRelay();
  return relayed.ok() ? AskUnsure().status() : relayed.status();
}

}  // namespace polyserve
