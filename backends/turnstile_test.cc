// The bound holds exactly, whoever enters at the same time, and whoever waits is told, also of the end of the killed.
#include "backends/turnstile.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

class TurnstileTest : public testing::Test {
 protected:
  std::unique_ptr<Turnstile> Make(int64_t most) {
    return *Turnstile::Create(statistics_, most, Turnstile::Overload::kWait);
  }

  const Statistics statistics_ = *Statistics::Create();
};

TEST_F(TurnstileTest, LetsInSoManyAndAnotherOneWhenOneHasLeft) {
  const std::unique_ptr<Turnstile> turnstile = Make(2);
  Counters& counters = statistics_.counters();
  EXPECT_TRUE(turnstile->TryEnter(counters));
  EXPECT_TRUE(turnstile->TryEnter(statistics_.OfWorker(0).counters()));
  EXPECT_FALSE(turnstile->TryEnter(counters));
  CountEnd(counters, turnstile.get());
  EXPECT_TRUE(turnstile->TryEnter(counters));
  EXPECT_FALSE(turnstile->TryEnter(statistics_.OfWorker(0).counters()));
  EXPECT_EQ(statistics_.Total().accepted, 3);
}

TEST_F(TurnstileTest, EachWhoWaitsIsToldOfAPlaceAndNobodyElseWakesUp) {
  const std::unique_ptr<Turnstile> turnstile = Make(1);
  const UniqueFd waiting[] = {UniqueFd(::epoll_create1(0)), UniqueFd(::epoll_create1(0))};
  for (const UniqueFd& epoll : waiting) {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, turnstile->fd(), &event), 0);
  }
  const auto has_event = [](const UniqueFd& epoll) {
    epoll_event event;
    return ::epoll_wait(epoll.get(), &event, 1, 0) == 1;
  };
  EXPECT_TRUE(turnstile->TryEnter(statistics_.counters()));
  CountEnd(statistics_.counters(), turnstile.get());
  for (const UniqueFd& epoll : waiting) EXPECT_FALSE(has_event(epoll));  // Nobody had been sent away.
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(turnstile->TryEnter(statistics_.counters()));
    EXPECT_FALSE(turnstile->TryEnter(statistics_.counters()));
    CountEnd(statistics_.counters(), turnstile.get());
    for (const UniqueFd& epoll : waiting) EXPECT_TRUE(has_event(epoll));
    for (const UniqueFd& epoll : waiting) EXPECT_FALSE(has_event(epoll));
  }
}

TEST_F(TurnstileTest, BoundIsNeverExceededHoweverManyEnterAtOnce) {
  constexpr int kMost = 3;
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  const std::unique_ptr<Turnstile> turnstile = Make(kMost);
  std::atomic<int> inside{0};
  std::atomic<int> worst{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Counters& counters = statistics_.OfWorker(i).counters();
      for (int round = 0; round < kRounds; ++round) {
        if (!turnstile->TryEnter(counters)) continue;
        const int now = ++inside;
        for (int before = worst; before < now && !worst.compare_exchange_weak(before, now);) {
        }
        --inside;
        CountEnd(counters, turnstile.get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(worst, kMost);
  EXPECT_GT(worst, 0);
  EXPECT_EQ(statistics_.Total().active(), 0);
}

// Killed at any point, inside of the lock too, processes leave nothing behind that their parent does not put right.
TEST_F(TurnstileTest, PlacesOfKilledProcessesComeBack) {
  constexpr int kKilled = 50;
  const std::unique_ptr<Turnstile> turnstile = Make(1);
  for (int i = 0; i < kKilled; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      Counters& counters = statistics_.OfWorker(0).counters();
      while (true) {
        if (turnstile->TryEnter(counters)) CountEnd(counters, turnstile.get());
      }
    }
    ::usleep(static_cast<useconds_t>(i * 37));  // Any moment will do.
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    statistics_.CountLost(0, 0);
    EXPECT_TRUE(turnstile->TryEnter(statistics_.counters()));
    EXPECT_FALSE(turnstile->TryEnter(statistics_.counters()));
    CountEnd(statistics_.counters(), turnstile.get());
  }
}

}  // namespace

}  // namespace polyserve
