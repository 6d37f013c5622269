// WatchedSocket: one end of a pair of sockets, watched by a poller; the test has the other end. Notes what it is told.
#ifndef POLYSERVE_BACKENDS_POLLER_WATCHED_SOCKET_H_
#define POLYSERVE_BACKENDS_POLLER_WATCHED_SOCKET_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {

// Not thread-safe, as the poller is not.
class WatchedSocket final : public Watched {
 public:
  explicit WatchedSocket(Poller& poller) : poller_(poller) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
  }
  ~WatchedSocket() { Watch(0); }

  void Watch(uint8_t events) { EXPECT_TRUE(poller_.Set(near_.get(), watched_, events, *this).ok()); }
  void OnEvents(uint8_t events) override {
    seen_ |= events;
    ++calls_;
    if (on_ready) on_ready();
  }

  // What the calls since the last time have told, all together; 0 if there was none.
  uint8_t TakeSeen() { return std::exchange(seen_, uint8_t{0}); }
  int calls() const { return calls_; }

  void Receive() { EXPECT_EQ(::send(far_.get(), "x", 1, 0), 1); }
  void Read() {
    char byte;
    EXPECT_EQ(::recv(near_.get(), &byte, 1, 0), 1);
  }
  void Fill() {
    const std::string bytes(64 * 1024, 'x');
    while (::send(near_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  void TakeAll() {
    std::string bytes(64 * 1024, 'x');
    while (::recv(far_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  }
  void PeerStopsSending() { EXPECT_EQ(::shutdown(far_.get(), SHUT_WR), 0); }
  void PeerLeaves() { far_.reset(); }
  int fd() const { return near_.get(); }

  std::function<void()> on_ready;

 private:
  Poller& poller_;
  UniqueFd near_, far_;
  uint8_t watched_ = 0;
  uint8_t seen_ = 0;
  int calls_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_WATCHED_SOCKET_H_
