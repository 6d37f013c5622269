// Ring: an io_uring(7) of the simulated system. Its two queues are ordinary memory, laid out as liburing's inline
// functions expect them; ring_calls.cc stands in for those functions of liburing that make system calls.
//
//   io_uring_prep_...() ─▶ queue ── Submit() ──▶ under way ── Work() ──▶ queue ─▶ io_uring_for_each_cqe()
//
// An operation is tried as it is submitted, and completes at once if it need not wait. Otherwise it is tried again when
// the server asks for completions, once its descriptor is ready: so does a kernel with IORING_SETUP_DEFER_TASKRUN. Here
// as there, completions of different operations come in any order, and perhaps not all at once; a multishot operation
// may end by itself at any of its completions; and what finds no room in the queue of completions comes later.
//
// Faults that are seen here at once: operations and flags that the server is not known to use; a buffer that is looked
// at after it was lent again, since it is written over then; memory that is changed while it is lent to a send. That a
// socket is closed while an operation of it is under way is seen by Kernel::Close().
#ifndef POLYSERVE_TESTS_SIMULATION_RING_H_
#define POLYSERVE_TESTS_SIMULATION_RING_H_

#include <liburing.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/kernel.h"
#include "tests/simulation/stream.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

class Ring {
 public:
  // Lays out the queues in `ring`. Both, and the kernel, outlive it.
  Ring(Kernel& kernel, io_uring& ring, const io_uring_params& wanted);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // As io_uring_register(2).
  void LendBuffers(const io_uring_buf_reg& buffers);
  void MakeTable() { has_table_ = true; }

  // Starts what was prepared. How many operations these were, or -EAGAIN, as io_uring_enter(2): the kernel may be short
  // of memory, and leave some or all of them for the next time.
  int Submit();
  bool has_prepared() const { return submitted_ != ring_.sq.sqe_tail; }
  // Has the operations that can go on do so.
  void Work();
  bool has_completions() const { return completed_ != taken_; }

  // An operation of this descriptor is under way, or the table of files has it.
  bool IsUsing(int fd) const;

 private:
  struct Operation {
    io_uring_sqe asked;
    int fd;  // What it names, by whichever way.
    Time ends = kNever;
    bool is_cancelled = false;
    // Once a send without a copy has its result: until when its memory is the kernel's, and what must be there.
    std::shared_ptr<Stream> lent_to = nullptr;
    int64_t lent_until = 0;  // Stream::acknowledged_total
    std::string lent = {};
  };
  // A ring of descriptions of buffers.
  struct Group {
    io_uring_buf_ring* descriptions;
    uint16_t mask;
    uint16_t next = 0;  // The one that is used next.
    uint16_t seen = 0;  // The tail, when it was looked at last.
    bool was_seen = false;
  };
  using UnderWay = std::map<uint64_t, Operation>;

  void Start(const io_uring_sqe& asked);
  bool CanGoOn(const Operation& operation);
  // Each returns true if the operation has ended.
  bool Try(Operation& operation);
  bool Poll(const Operation& operation);
  bool Accept(const Operation& operation);
  bool Connect(const Operation& operation);
  bool Receive(const Operation& operation);
  bool ReceiveOnce(const Operation& operation);
  bool Send(Operation& operation);
  bool EndLoan(const Operation& operation);
  bool Close(const Operation& operation);
  bool Cancel(const Operation& operation);
  bool UpdateTable(const Operation& operation);

  ssize_t FillBuffers(const Operation& operation, Group& group, uint16_t& first);
  void SpoilLentBuffers();

  // Posts its last completion, or one before the last: false if that has become the last, too.
  bool Complete(const Operation& operation, int64_t result, unsigned flags = 0);
  bool CompleteOnce(const Operation& operation, int64_t result, unsigned flags = 0);
  void Post(const io_uring_cqe& completion);
  void PostLeft();

  Kernel& kernel_;
  io_uring& ring_;
  std::vector<io_uring_sqe> operations_;
  std::vector<io_uring_cqe> completions_;
  unsigned submitted_ = 0;  // The heads and tails, of which liburing has pointers.
  unsigned prepared_ = 0;
  unsigned taken_ = 0;
  unsigned completed_ = 0;
  unsigned no_flags_ = 0;
  std::deque<io_uring_cqe> left_;  // Completions that have found no room.
  UnderWay under_way_;             // By their number: in the order in which they were submitted.
  uint64_t number_ = 0;
  std::map<uint16_t, Group> groups_;
  bool has_table_ = false;
  std::map<int, int> table_;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_RING_H_
