// SelectPoller: select(2). The set of descriptors is an array of bits that each call hands to the kernel, which scans
// it up to the highest descriptor, and overwrites it with its answer, which we scan again. So each wait copies the sets
// first, and costs time in proportion to the highest descriptor, ready or not.
//
//   readable_  0001 0100 0010 ...   copied ─▶ select() ─▶ 0000 0100 0000 ...   the ready ones; the rest is lost
//                 3  5     10  ◀─ highest_ is 10: the kernel looks at 11 bits of each set
//
// Limit: the array has FD_SETSIZE (1024) bits, so a descriptor with a larger number cannot be watched, however few
// there are. FD_SET() does not check: it would write behind the array (select(2), BUGS).
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
  // The largest descriptor that can be watched.
  static constexpr int kMaxDescriptor = FD_SETSIZE - 1;

  // InvalidArgument if the trigger is kEdge, which select(2) does not have. Takes no descriptor.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // See Poller. These three make no system call. Add() fails with ResourceExhausted above kMaxDescriptor; nothing
  // else fails. Remove() of the highest descriptor searches for the next lower one.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  absl::Status Wait(Clock::time_point until) override;

 private:
  SelectPoller();

  void SetBits(int fd, uint8_t events);

  fd_set readable_;                                // What is watched; Wait() hands copies to the kernel.
  fd_set writable_;                                // The same for writing.
  int highest_ = -1;                               // The largest descriptor that is watched; -1: there is none.
  std::array<Watched*, FD_SETSIZE> watched_ = {};  // By descriptor.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_SELECT_POLLER_H_
