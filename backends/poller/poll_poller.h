// PollPoller: poll(2). The set is a list of descriptors and events that each call hands to the kernel, which scans all
// of it and marks those that are ready. No limit on a descriptor's number; the cost of a call grows with the number of
// those watched, ready or not.
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
  // InvalidArgument if the trigger is kEdge.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  absl::Status Wait(Clock::time_point until) override;

 private:
  PollPoller() = default;

  size_t& index(int fd) { return indices_[static_cast<size_t>(fd)]; }

  std::vector<pollfd> list_;       // What is watched, in any order.
  std::vector<Watched*> watched_;  // The owner of each, in the same order.
  std::vector<size_t> indices_;    // By descriptor: its index in both. Meaningless if it is not watched.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_POLL_POLLER_H_
