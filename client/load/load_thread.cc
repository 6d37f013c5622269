#include "client/load/load_thread.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr int64_t kMillisecond = 1'000'000;
// Threads have seeds next to each other; slices are farther apart than there are threads.
constexpr uint64_t kSeedStep = 1 << 16;

// A thread that waited for a processor looks idle in its own time, and yet it was late: so both are measured.
struct ProcessorUse {
  double ran = 0;     // Seconds on a processor.
  double waited = 0;  // Seconds in which it could have run, and others did.
};

// The use by the calling thread. A kernel without schedstat (CONFIG_SCHED_INFO) reports no wait.
ProcessorUse UseOfProcessor() {
  rusage usage;
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  // proc(5) does not have it; Documentation/scheduler/sched-stats.rst: nanoseconds run, nanoseconds waited, turns.
  // The first figure is not used: where schedstat is missing, the processor time of getrusage(2) is still there.
  double ran = 0, waited = 0;
  std::ifstream("/proc/thread-self/schedstat") >> ran >> waited;
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), waited / 1e9};
}

// The cause for the report, with the setting to raise if the limit is one of this machine's.
std::string InWords(int error) {
  switch (error) {
    case 0:
      return "closed by the server";
    case EADDRNOTAVAIL:
      return absl::StrCat(std::strerror(error), " (no port is left; see net.ipv4.ip_local_port_range)");
    case EPROTO:
      return "TLS has failed, or ended without its close_notify";
    case EMFILE:
      return absl::StrCat(std::strerror(error), " (the limit of this process; see ulimit -n)");
    case ENFILE:
      return absl::StrCat(std::strerror(error), " (the limit of this system; see fs.file-max)");
    default:
      return std::strerror(error);
  }
}

}  // namespace

LoadThread::LoadThread(const LoadPlan& plan) : plan_(plan), interval_(absl::ToInt64Nanoseconds(plan.interval)) {}

// Called for each reply. That is cheap, because clock_gettime() is no system call on the usual clock sources (vdso(7)).
int64_t LoadThread::Now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

// The use of the processor is that of Load() alone: Settle() mostly waits, which would make the thread look less busy.
// per_interval has its full size from the start, so that counting a reply allocates nothing.
void LoadThread::Run(const Slice& slice) {
  // Otherwise the kernel may wake a thread 50 us late, so as to wake several at once (prctl(2), PR_SET_TIMERSLACK).
  // Cannot fail; 0 would stand for the default.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  const ProcessorUse before = UseOfProcessor();
  plan_.duration = slice.duration;
  plan_.rate = slice.rate;
  // The connections were made once, before the first slice, so their number has to survive the new tally.
  const int connected = tally_.connected;
  tally_ = LoadTally();
  tally_.connected = connected;
  tally_.per_interval.resize(static_cast<size_t>(absl::Ceil(plan_.duration, plan_.interval) / plan_.interval));
  if (plan_.keeps_rows) tally_.response_per_interval.resize(tally_.per_interval.size());
  tally_.seconds = absl::ToDoubleSeconds(plan_.duration);
  start_ = slice.start;
  // From the common start of all threads, not from this one's: they must begin and end counting at the same moments, or
  // the sum of their tallies would be of different times.
  count_from_ = start_ + absl::ToInt64Nanoseconds(plan_.warm_up);
  end_ = count_from_ + absl::ToInt64Nanoseconds(plan_.duration);
  give_up_ = end_ + absl::ToInt64Nanoseconds(plan_.patience);
  now_ = Now();
  Load();
  const double seconds = static_cast<double>(std::max<int64_t>(now_ - start_, 1)) / kSecond;
  const ProcessorUse after = UseOfProcessor();
  tally_.busiest_thread = (after.ran - before.ran) / seconds;
  tally_.waited_for_processor = (after.waited - before.waited) / seconds;
  Settle();
  tally_.tls = tls_;
}

Arrivals LoadThread::BeginArrivals() {
  const uint64_t seed = plan_.seed + slices_++ * kSeedStep;
  if (plan_.profile == nullptr) return Arrivals(plan_.arrivals, *plan_.rate, seed, plan_.phase);
  return Arrivals(plan_.arrivals, plan_.profile->WithWarmUp(plan_.warm_up), plan_.share, seed, plan_.phase);
}

// The timer slack aside, epoll(7) allows itself a thousandth of the timeout beyond it, or a two-hundredth for a process
// with nice(2): a request that is due in 50 ms could leave 50 us late. What is left behind a hundredth is short enough.
timespec LoadThread::TimeoutUntil(int64_t time) {
  int64_t wait = std::max<int64_t>(time - Now(), 0);
  if (wait > kMillisecond) wait -= wait / 100;
  return {wait / kSecond, wait % kSecond};
}

void LoadThread::CountReply(int64_t due, int64_t sent, uint64_t& of_connection) {
  ++tally_.replies_in_all;
  if (IsCounted(now_)) {
    ++tally_.replies;
    ++of_connection;
    // Within bounds: the vector has a place for each interval begun before end_, and IsCounted() excludes later times.
    ++tally_.per_interval[static_cast<size_t>((now_ - count_from_) / interval_)];
  }
  if (!IsCounted(due)) return;  // A reply that comes after end_ still adds its times, if its request was due before.
  // Two questions: how long the server took once it was asked, and how long a user waited since `due`. Only the second
  // one shows requests that a stall kept from being sent (coordinated omission; see arrivals.h).
  tally_.service.Add(static_cast<uint64_t>(now_ - sent));
  AddResponse(due);
}

void LoadThread::CountUnanswered(int64_t due, std::optional<int64_t> sent) {
  if (IsCounted(due)) ++tally_.unanswered;
  CountAge(due, sent);
}

// An age is a lower bound of the time that the reply would have taken, so a percentile that includes it is a lower
// bound as well. Leaving such requests out would be worse: the slowest ones would vanish from the figures.
void LoadThread::CountAge(int64_t due, std::optional<int64_t> sent) {
  if (!IsCounted(due)) return;
  AddResponse(due);
  if (sent.has_value()) tally_.service.Add(static_cast<uint64_t>(now_ - *sent));
}

// By when it was due, as the total; so the rows add up to it. Within bounds, since IsCounted(due) was asked.
void LoadThread::AddResponse(int64_t due) {
  const auto time = static_cast<uint64_t>(now_ - due);
  tally_.response.Add(time);
  if (!plan_.keeps_rows) return;
  tally_.response_per_interval[static_cast<size_t>((due - count_from_) / interval_)].Add(time);
}

void LoadThread::CountLateness(int64_t due) {
  if (IsCounted(due)) tally_.lateness.Add(static_cast<uint64_t>(now_ - due));
}

// The tally shrinks to the time that was counted, so that rates are right. That may be none, if the interruption comes
// in the warm-up: `seconds` is then 0, which the report must not divide by.
bool LoadThread::IsOver() {
  const bool is_interrupted = plan_.interrupted != nullptr && plan_.interrupted->load(std::memory_order_relaxed);
  if (is_interrupted && now_ < end_) {
    tally_.interrupted = true;
    end_ = now_;  // From now on a request that is due, and a reply that comes, are outside the counted time.
    give_up_ = now_ + std::min(kSecond, give_up_ - end_);
    const int64_t counted = std::max<int64_t>(end_ - count_from_, 0);
    tally_.seconds = static_cast<double>(counted) / kSecond;
    // In whole numbers: rounded down by a hair, the last interval would have no place.
    tally_.per_interval.resize(static_cast<size_t>((counted + interval_ - 1) / interval_));
    if (plan_.keeps_rows) tally_.response_per_interval.resize(tally_.per_interval.size());
  }
  return now_ >= end_;
}

TlsSocket::Result LoadThread::GoOnWithHandshake(TlsSocket& tls) {
  const TlsSocket::Result result = tls.Handshake();
  now_ = Now();
  if (result != TlsSocket::Result::kDone) return result;
  if (tls_.empty()) tls_ = tls.version_and_cipher();
  if (!IsCounted(now_)) return result;
  ++tally_.handshakes;
  if (tls.was_resumed()) ++tally_.resumed;
  return result;
}

void LoadThread::CountFailure(uint64_t& kind, int error) {
  ++kind;
  // By its text, so that the report needs no table of error numbers: a few kinds at most, and never in the usual path.
  ++tally_.causes[InWords(error)];
}

}  // namespace polyserve
