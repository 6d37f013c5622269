// The bound holds exactly, whoever enters at the same time, and whoever waits is told, also of the end of the killed.
#include "backends/accept/connection_limit.h"

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

class ConnectionLimitTest : public testing::Test {
 protected:
  std::unique_ptr<ConnectionLimit> Make(int64_t most) {
    return *ConnectionLimit::Create(statistics_, most, ConnectionLimit::Overload::kWait);
  }

  const Statistics statistics_ = *Statistics::Create();
};

TEST_F(ConnectionLimitTest, LetsInSoManyAndAnotherOneWhenOneHasLeft) {
  const std::unique_ptr<ConnectionLimit> connection_limit = Make(2);
  Counters& counters = statistics_.counters();
  EXPECT_TRUE(connection_limit->TryAcquire(counters));
  EXPECT_TRUE(connection_limit->TryAcquire(statistics_.OfWorker(0).counters()));
  EXPECT_FALSE(connection_limit->TryAcquire(counters));
  CountEnd(counters, connection_limit.get());
  EXPECT_TRUE(connection_limit->TryAcquire(counters));
  EXPECT_FALSE(connection_limit->TryAcquire(statistics_.OfWorker(0).counters()));
  EXPECT_EQ(statistics_.Total().accepted, 3);
}

TEST_F(ConnectionLimitTest, EachWhoWaitsIsToldOfAPlaceAndNobodyElseWakesUp) {
  const std::unique_ptr<ConnectionLimit> connection_limit = Make(1);
  const UniqueFd waiting[] = {UniqueFd(::epoll_create1(0)), UniqueFd(::epoll_create1(0))};
  for (const UniqueFd& epoll : waiting) {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connection_limit->fd(), &event), 0);
  }
  const auto has_event = [](const UniqueFd& epoll) {
    epoll_event event;
    return ::epoll_wait(epoll.get(), &event, 1, 0) == 1;
  };
  EXPECT_TRUE(connection_limit->TryAcquire(statistics_.counters()));
  CountEnd(statistics_.counters(), connection_limit.get());
  for (const UniqueFd& epoll : waiting) EXPECT_FALSE(has_event(epoll));  // Nobody had been sent away.
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(connection_limit->TryAcquire(statistics_.counters()));
    EXPECT_FALSE(connection_limit->TryAcquire(statistics_.counters()));
    CountEnd(statistics_.counters(), connection_limit.get());
    for (const UniqueFd& epoll : waiting) EXPECT_TRUE(has_event(epoll));
    for (const UniqueFd& epoll : waiting) EXPECT_FALSE(has_event(epoll));
  }
}

TEST_F(ConnectionLimitTest, BoundIsNeverExceededHoweverManyEnterAtOnce) {
  constexpr int kMost = 3;
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  const std::unique_ptr<ConnectionLimit> connection_limit = Make(kMost);
  std::atomic<int> inside{0};
  std::atomic<int> worst{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Counters& counters = statistics_.OfWorker(i).counters();
      for (int round = 0; round < kRounds; ++round) {
        if (!connection_limit->TryAcquire(counters)) continue;
        const int now = ++inside;
        for (int before = worst; before < now && !worst.compare_exchange_weak(before, now);) {
        }
        --inside;
        CountEnd(counters, connection_limit.get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(worst, kMost);
  EXPECT_GT(worst, 0);
  EXPECT_EQ(statistics_.Total().active(), 0);
}

// Killed at any point, inside of the lock too, processes leave nothing behind that their parent does not put right.
TEST_F(ConnectionLimitTest, PlacesOfKilledProcessesComeBack) {
  constexpr int kKilled = 50;
  const std::unique_ptr<ConnectionLimit> connection_limit = Make(1);
  for (int i = 0; i < kKilled; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      Counters& counters = statistics_.OfWorker(0).counters();
      while (true) {
        if (connection_limit->TryAcquire(counters)) CountEnd(counters, connection_limit.get());
      }
    }
    ::usleep(static_cast<useconds_t>(i * 37));  // Any moment will do.
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    statistics_.CountLost(0, 0);
    EXPECT_TRUE(connection_limit->TryAcquire(statistics_.counters()));
    EXPECT_FALSE(connection_limit->TryAcquire(statistics_.counters()));
    CountEnd(statistics_.counters(), connection_limit.get());
  }
}

}  // namespace

}  // namespace polyserve
