// switches: what it costs to stop serving one client and to go on with another, by what keeps the client's state: the
// frame of a coroutine, the stack of a fiber, or a thread. The models coroutine, fiber and thread do this at each wait.
//
//   bazel run --config=opt //tools/floor:switches
//
// Each of the three is resumed by the main thread, and suspends at once: two switches. All on one processor, with
// nothing else to do, so that caches are warm: a lower bound. Prints nanoseconds for one switch, the median of some
// rounds and the range of them. For threads a switch is a futex(2) that wakes, one that waits, and the scheduler's
// work.
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "backends/event/fiber.h"

namespace {

constexpr int kRounds = 15;
constexpr int kQuick = 2'000'000;  // Resumptions in a round.
constexpr int kSlow = 50'000;

double g_checksum = 0;  // What the other side has counted, so that no compiler leaves it out.

template <typename Resume>
void Measure(const char* name, int resumptions, const Resume& resume) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < resumptions; ++i) resume();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    rounds.push_back(took.count() / resumptions / 2);
  }
  std::sort(rounds.begin(), rounds.end());
  std::printf("%-10s %8.1f ns (%.1f to %.1f)\n", name, rounds[kRounds / 2], rounds.front(), rounds.back());
}

struct Coroutine {
  struct promise_type {
    Coroutine get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Coroutine Count(const bool& ends, double& count) {
  while (!ends) {
    ++count;
    co_await std::suspend_always();
  }
}

void MeasureCoroutine() {
  bool ends = false;
  double count = 0;
  const Coroutine coroutine = Count(ends, count);
  Measure("coroutine", kQuick, [&coroutine] { coroutine.handle.resume(); });
  coroutine.handle.destroy();
  g_checksum += count;
}

void MeasureFiber() {
  bool ends = false;
  double count = 0;
  polyserve::Fiber* fiber = nullptr;
  const absl::Status status = polyserve::Fiber::Run(64 * 1024, [&](polyserve::Fiber& self) {
    fiber = &self;
    while (!ends) {
      ++count;
      self.Suspend();
    }
  });
  if (!status.ok()) return;
  Measure("fiber", kQuick, [fiber] { fiber->Resume(); });
  ends = true;
  fiber->Resume();
  g_checksum += count;
}

// Whose turn it is. futex(2) by hand: the standard library's semaphores spin, and yield, before they wait.
class Turn {
 public:
  void Give(int to) {
    whose_ = to;
    ::syscall(SYS_futex, &whose_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void Await(int own) {
    for (int now = whose_; now != own; now = whose_) {
      ::syscall(SYS_futex, &whose_, FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
    }
  }

 private:
  static_assert(sizeof(std::atomic<int>) == sizeof(int));
  std::atomic<int> whose_{0};
};

void MeasureThread() {
  constexpr int kMain = 0;
  constexpr int kOther = 1;
  std::atomic<bool> ends = false;
  double count = 0;
  Turn turn;
  std::thread thread([&] {
    while (turn.Await(kOther), !ends) {
      ++count;
      turn.Give(kMain);
    }
  });
  Measure("thread", kSlow, [&turn] {
    turn.Give(kOther);
    turn.Await(kMain);
  });
  ends = true;
  turn.Give(kOther);
  thread.join();
  g_checksum += count;
}

}  // namespace

int main() {
  // The thread that is started inherits it.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  if (::sched_setaffinity(0, sizeof(one), &one) != 0) std::perror("sched_setaffinity");
  MeasureCoroutine();
  MeasureFiber();
  MeasureThread();
  return g_checksum > 0 ? 0 : 1;
}
