// UringRing: a queue of operations to the kernel, a queue of completions back, and the buffers that it receives into
// (io_uring(7)). One thread.
//
//   io_uring_sqe* receive = ring.Prepare(Tag(Operation::kReceive, connection));
//   io_uring_prep_recv(receive, ...);
//   ring.SubmitAndWait();                         one system call for all that was prepared
//   ring.TakeCompletions([](const io_uring_cqe& completion) { OperationOf(completion) ... });
#ifndef POLYSERVE_BACKENDS_URING_RING_H_
#define POLYSERVE_BACKENDS_URING_RING_H_

#include <liburing.h>

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/uring/provided_buffers.h"
#include "base/unique_fd.h"

namespace polyserve {

// What has completed, and for whom, travels with an operation as one number: a pointer, whose low four bits are free,
// since what it points to is aligned to kTagAlignment.
enum class Operation : uint64_t {
  kUnwatched,  // Nobody waits for it.
  kSignals,
  kTick,
  kLingerEnd,
  kAlarm,
  kAccept,
  kAcceptable,
  kPauseEnd,
  kDatagrams,
  kPeers,
  kReceive,
  kSend,
  kWritable,
  kWoken,
  kGraceOver,
  kBacklog,
};
constexpr uint64_t kTagAlignment = 32;

inline uint64_t Tag(Operation operation, const void* object = nullptr) {
  return reinterpret_cast<uintptr_t>(object) | static_cast<uint64_t>(operation);
}
inline Operation OperationOf(const io_uring_cqe& completion) {
  return static_cast<Operation>(completion.user_data % kTagAlignment);
}
template <typename T>
T& ObjectOf(const io_uring_cqe& completion) {
  static_assert(alignof(T) % kTagAlignment == 0);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel returns the number that it was given for the object.
  return *reinterpret_cast<T*>(completion.user_data - completion.user_data % kTagAlignment);
}

class UringRing {
 public:
  // PermissionDenied: the kernel does not let us. Unimplemented: it is too old. The message says what to do.
  static absl::StatusOr<std::unique_ptr<UringRing>> Create();
  // What is still under way is cancelled, but maybe only later: the memory that it uses must stay, and not be reused.
  ~UringRing();

  // An operation to be filled in by io_uring_prep_...(). It is submitted with the next call of the kernel.
  io_uring_sqe* Prepare(uint64_t tag);
  // Cancels the operation, or all of this descriptor; they still complete.
  void Cancel(uint64_t tag);
  void CancelAll(int fd);
  // Closes it with the next call of the kernel.
  void Close(UniqueFd fd);

  // Submits what was prepared. The first also sleeps until something has completed, or a signal came.
  absl::Status SubmitAndWait();
  absl::Status Submit();

  // Calls handle(const io_uring_cqe&) for each completion, oldest first.
  template <typename Handler>
  void TakeCompletions(Handler handle) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      handle(*completion);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }

  UringBuffers& buffers() { return buffers_; }

 private:
  UringRing() = default;
  absl::Status Open();

  UringBuffers buffers_;  // Outlives the ring.
  io_uring ring_ = {};
  bool is_open_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_RING_H_
