// SocketWaitTest: the fixture of the tests of AwaitableSocket and FiberSocket: a pair of sockets, and a loop for one of
// them, which turns when the test says so.
//
//   TEST_F(FiberSocketTest, ReadableComesWithTheBytes) {
//     Start(For::kReadable);   // Takes near_, waits, and notes in log_ how each wait has ended.
//     SendByte();
//     Look();
//     EXPECT_EQ(log_, "woken ");
//   }
#ifndef POLYSERVE_BACKENDS_EVENT_SOCKET_WAIT_TEST_H_
#define POLYSERVE_BACKENDS_EVENT_SOCKET_WAIT_TEST_H_

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "backends/event/event_client.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/progress_watch.h"
#include "net/statistics.h"

namespace polyserve {

class SocketWaitTest : public testing::Test {
 protected:
  SocketWaitTest() : poller_(EpollPoller::Create(Trigger::kLevel).value()) {
    shared_.poller = poller_.get();
    shared_.counters = &counters_;
    shared_.limits = ProgressLimits(absl::Seconds(60), {});
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
  }

  // A turn of the loop: looks once at what is ready; does not wait.
  void Look() { Turn(Poller::kNoWait); }
  // Turns until something is noted in the log; waits for what is ready, or for the first timer.
  void Await() {
    const size_t before = log_.size();
    while (log_.size() == before) Turn(shared_.timers.empty() ? Poller::kForEver : shared_.timers.first());
  }

  void SendByte() { EXPECT_EQ(::send(far_.get(), "x", 1, 0), 1); }
  // Sends until the near socket takes no more.
  void Fill() {
    const std::string bytes(kPiece, 'x');
    while (::send(near_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  // Reads at the far end all that was sent.
  void Empty() {
    std::string bytes(kPiece, 'x');
    while (::recv(far_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  // The socket that waits.
  EventClient& client() { return shared_.clients.front(); }

  const std::unique_ptr<Poller> poller_;
  Counters counters_;
  EventShared shared_;
  UniqueFd near_, far_;
  std::string log_;

 private:
  static constexpr size_t kPiece = 64 * 1024;

  void Turn(Poller::Clock::time_point until) {
    EventClient::TurnList waiting;
    waiting.swap(shared_.wait_for_turn);
    EXPECT_TRUE(poller_->Wait(until).ok());
    poller_->Dispatch();
    while (!waiting.empty()) {
      EventClient& client = waiting.front();
      waiting.pop_front();
      client.OnTurn();
    }
    shared_.timers.RingDue();
  }
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_SOCKET_WAIT_TEST_H_
