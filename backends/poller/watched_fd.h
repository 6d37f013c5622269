// WatchedFd: a descriptor of the event loop itself (a listener, the signals, a wake-up), and what to call when it is
// ready. Not for connections: those are Watched themselves, and need no std::function each. A loop has a handful of
// these, so their cost does not matter.
//
//   WatchedFd signals(*poller, Signals::fd(), [this] { OnSignals(); });
//   absl::Status status = signals.Watch(Poller::kReadable);
#ifndef POLYSERVE_BACKENDS_POLLER_WATCHED_FD_H_
#define POLYSERVE_BACKENDS_POLLER_WATCHED_FD_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "backends/poller/poller.h"

namespace polyserve {

// Used in the poller's thread alone. It does not own the descriptor, and stops watching it when it is destroyed, so
// declare it after both the poller and the owner of the descriptor.
class WatchedFd final : public Watched {
 public:
  // The poller and the descriptor must outlive it. Nothing is watched yet. `on_ready` may do what Watched::OnEvents()
  // may, but must not destroy this object, whose function it is.
  WatchedFd(Poller& poller, int fd, std::function<void()> on_ready)
      : poller_(poller), fd_(fd), on_ready_(std::move(on_ready)) {}
  ~WatchedFd() { StopWatching(); }
  WatchedFd(const WatchedFd&) = delete;
  WatchedFd& operator=(const WatchedFd&) = delete;

  // Watches for these events (not 0) from now on; see Poller::Add() and Change(). If it fails, nothing is watched.
  absl::Status Watch(uint8_t events) { return poller_.Set(fd_, events_, events, *this); }
  // May be called again. From now on `on_ready` is not called, not even for events that the last wait has noted.
  void StopWatching() { static_cast<void>(poller_.Set(fd_, events_, 0, *this)); }  // (Removing cannot fail.)

  // What it is watched for; 0: not watched.
  uint8_t events() const { return events_; }

  // For the poller. Does not pass on which events: each of these descriptors is watched for one of them at a time.
  void OnEvents(uint8_t) override { on_ready_(); }

 private:
  Poller& poller_;
  const int fd_;
  uint8_t events_ = 0;
  const std::function<void()> on_ready_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_WATCHED_FD_H_
