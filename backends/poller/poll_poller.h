// PollPoller: poll(2). The set is a list of descriptors and events that each call hands to the kernel, which scans all
// of it and marks those that are ready; then we scan it, too. No limit on a descriptor's number; the cost of a call
// grows with the number of descriptors watched, ready or not. For each of them the kernel copies 8 bytes, asks the file
// whether it is ready, and, before it sleeps, enters the thread into the file's wait queue.
//
//   list_      [ fd 7 | fd 4 | fd 9 ]     without gaps: Remove() moves the last one into the place that it frees
//   watched_   [ owner| owner| owner]     parallel to list_, since the kernel gives back only list_
//   indices_   [....1..0.2..........]     by descriptor: finds its entry in constant time
#ifndef POLYSERVE_BACKENDS_POLLER_POLL_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_POLL_POLLER_H_

#include <poll.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"

namespace polyserve {

class PollPoller : public Poller {
 public:
  // InvalidArgument if the trigger is kEdge, which poll(2) does not have. Takes no descriptor.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // See Poller. These three make no system call and never fail: poll(2) gets the whole list at each wait.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  absl::Status Wait(Clock::time_point until) override;

 private:
  PollPoller() = default;

  size_t& index(int fd) { return indices_[static_cast<size_t>(fd)]; }

  std::vector<pollfd> list_;       // What is watched, in any order.
  std::vector<Watched*> watched_;  // The owner of each, in the same order.
  // By descriptor: its index in both. Meaningless if it is not watched. Never shrinks, but a new descriptor gets the
  // lowest free number (open(2)), so it is no longer than the most descriptors that were ever open at once.
  std::vector<size_t> indices_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_POLL_POLLER_H_
