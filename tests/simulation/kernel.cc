#include "tests/simulation/kernel.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "tests/simulation/ring.h"

namespace polyserve::simulation {

namespace {

// The server's thread has to wait for the processor, as any thread of a busy machine. Not so long that it could miss a
// time-out of seconds by itself.
constexpr Time kLongestDelay = 100 * kMillisecond;
// A server that makes more calls than this, although nothing has happened and it has waited for nothing, goes round and
// round: the clients of a schedule have less to do.
constexpr int kMostCallsInARow = 20'000;
// How often a stop interrupts; see net/signals.h.
constexpr Time kNudges = 50 * kMillisecond;

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
  SendSignals(listener_, POLLIN);
  return true;
}

void Kernel::Notify(const Stream& stream, uint32_t events) {
  if (stream.fd < 0) return;
  NotifyFile(stream.fd, events);
  SendSignals(stream.fd, events);
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

std::shared_ptr<Stream> Kernel::TakeAccepted() {
  while (!accepted_.empty()) {
    std::shared_ptr<Stream> first = std::move(accepted_.front());
    accepted_.pop_front();
    if (!first->is_closed) return first;
  }
  return nullptr;
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
  if (++calls_in_a_row_ > kMostCallsInARow) Fail("the server makes call after call, although nothing has happened");
}

void Kernel::RunDue() {
  while (!events_.empty() && events_.begin()->first.first <= now_) {
    const std::function<void()> happens = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    happens();
  }
  if (helper_epoll_ >= 0 && !helper_is_due_ && Ready(helper_epoll_) != 0) RunHelperLater();
}

// It has to wait for the processor, too.
void Kernel::RunHelperLater() {
  helper_is_due_ = true;
  After(random_.Between(0, random_.OneIn(20) ? 20 * kMillisecond : 50 * kMicrosecond), [this] {
    helper_is_due_ = false;
    if (helper_epoll_ >= 0) helper_.Run();
  });
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
    if (next > now_) calls_in_a_row_ = 0;
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

Time Kernel::Sleep(Time time) {
  Enter();
  const Time end = now_ + time;
  const bool is_cut_short = Wait([] { return false; }, time) == Wake::kInterrupted;
  const Time left = is_cut_short ? std::max<Time>(end - now_, 0) : 0;
  trace_.Add(now_, "nanosleep", 0, time, left);
  return left;
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

}  // namespace polyserve::simulation
