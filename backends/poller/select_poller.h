// SelectPoller: select(2). The set of descriptors is an array of bits that each call hands to the kernel, which scans
// it up to the highest descriptor, and overwrites it with its answer, which we scan again.
// Limit: the array has FD_SETSIZE (1024) bits, so a descriptor with a larger number cannot be watched, however few
// there are.
#ifndef POLYSERVE_BACKENDS_POLLER_SELECT_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_SELECT_POLLER_H_

#include <sys/select.h>

#include <array>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"

namespace polyserve {

class SelectPoller : public Poller {
 public:
  static constexpr int kMaxDescriptor = FD_SETSIZE - 1;

  // InvalidArgument if the trigger is kEdge.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // ResourceExhausted above kMaxDescriptor.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  absl::Status Wait(Clock::time_point until) override;

 private:
  SelectPoller();

  void SetBits(int fd, uint8_t events);

  fd_set readable_;  // What is watched; Wait() hands copies to the kernel.
  fd_set writable_;
  int highest_ = -1;
  std::array<Watched*, FD_SETSIZE> watched_ = {};  // By descriptor.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_SELECT_POLLER_H_
