// UringRing: a queue of operations to the kernel, a queue of completions back, and the buffers that it receives into
// (io_uring(7)). One thread.
//
//   io_uring_sqe* receive = ring.Prepare(Tag(Operation::kReceive, connection));
//   io_uring_prep_recv(receive, ...);
//   ring.SubmitAndWait();                         one system call for all that was prepared
//   ring.TakeCompletions([](const io_uring_cqe& completion) { OperationOf(completion) ... });
//
// Two rules hold for every operation: what it points to must stay where it is until the operation has completed, also
// if it was cancelled; and each operation completes, most of them once, multishot ones (accept, receive) until a
// completion comes without IORING_CQE_F_MORE. The exceptions are Cancel() and Close(): if they succeed, they complete
// silently.
//
//   Prepare() ─▶ submission queue ──SubmitAndWait()──▶ kernel ──▶ completion queue ─▶ TakeCompletions()
//                kOperations                                      8 times as many
//
// Source: J. Axboe, "Efficient IO with io_uring" (kernel.dk/io_uring.pdf); io_uring(7).
#ifndef POLYSERVE_BACKENDS_URING_RING_H_
#define POLYSERVE_BACKENDS_URING_RING_H_

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/uring/provided_buffers.h"
#include "backends/uring/uring_options.h"
#include "base/unique_fd.h"

namespace polyserve {

// What has completed, and for which object, travels with an operation as one number (sqe.user_data): a pointer whose
// low bits are free, since what it points to is aligned to kTagAlignment, and the operation in these bits.
enum class Operation : uint64_t {
  kUnwatched,   // A cancel or a close: its completion is ignored.
  kSignals,     // Signals::fd() is readable.
  kTick,        // The coarse clock has moved on.
  kLingerEnd,   // The connection that lingers longest has had its time.
  kAlarm,       // The earliest timer of a session is due.
  kAccept,      // A client was accepted (multishot). Object: the port.
  kAcceptable,  // A client can be accepted, or taken from the inbox. Object: the port.
  kPauseEnd,    // A pause in accepting is over: a shortage, or a full server. Object: the port.
  kDatagrams,   // Datagrams can be read. Object: the port.
  kPeers,       // A UDP peer that is answered from a port of its own has something to read.
  kReceive,     // Bytes were received. Object: the connection, as for the next two.
  kSend,        // Bytes were sent.
  kSendLent,    // The same without a copy; or the memory is no longer needed. Object: the UringUnsent.
  kWritable,    // The socket takes more of a file.
  kUpstream,    // The other server that is asked: connected, sent, or received.
  kWoken,       // The wake list is not empty: mail, or a finished task.
  kGraceOver,   // The time that the stop leaves to requests under way is over.
  kBacklog,     // Look again for clients that had connected before the stop.
};
// More than there are operations; a power of two.
constexpr uint64_t kTagAlignment = 32;

// The object must outlive the operation, and be aligned to kTagAlignment; null if there is none.
inline uint64_t Tag(Operation operation, const void* object = nullptr) {
  return reinterpret_cast<uintptr_t>(object) | static_cast<uint64_t>(operation);
}
// The two parts of the tag that a completion brings back.
inline Operation OperationOf(const io_uring_cqe& completion) {
  return static_cast<Operation>(completion.user_data % kTagAlignment);
}
template <typename T>
T& ObjectOf(const io_uring_cqe& completion) {
  static_assert(alignof(T) % kTagAlignment == 0);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): Tag() has made the number of a pointer
  return *reinterpret_cast<T*>(completion.user_data - completion.user_data % kTagAlignment);
}

// One thread: the one that creates it. The kernel refuses submissions from any other one (IORING_SETUP_SINGLE_ISSUER).
class UringRing {
 public:
  // Takes a descriptor, and memory for the queues and, as far as they are used, the buffers. The message of an error
  // says what to do.
  //   Unimplemented     the kernel is too old, for the ring or for one of the options
  //   PermissionDenied  it does not let us (containers often forbid io_uring)
  //   others            it has no descriptor, or no memory; for the latter it waits up to 2 s
  static absl::StatusOr<std::unique_ptr<UringRing>> Create(const UringOptions& options = {});
  // Cancels what is still under way, but the kernel may do so only later: memory that an operation uses must neither be
  // freed nor reused even then.
  ~UringRing();

  // An operation to be filled in by io_uring_prep_...(). It is submitted with the next SubmitAndWait() or Submit(); if
  // the queue is full, what is in it is submitted first, which blocks while the kernel has no memory for it. So fill it
  // in before the next Prepare(). Never null: if the ring cannot be used any more, the operation goes nowhere, and the
  // next submission returns the error.
  io_uring_sqe* Prepare(uint64_t tag);
  // Asks the kernel to cancel the operation, or all operations of this descriptor. They still complete, with ECANCELED
  // or with what they had done by then. An operation that is no longer there is no error.
  void Cancel(uint64_t tag);
  void CancelAll(int fd);
  // Gives the socket a place in the table of the ring (UringOptions::registers_files), for Name(). kNoPlace: there is
  // no such table, or it is full. The table keeps the socket open, until Close().
  static constexpr int kNoPlace = -1;
  int Register(int fd);
  // Has a prepared operation name the socket by its place, if it has one: the kernel then does not look its descriptor
  // up, and counts no reference.
  static void Name(io_uring_sqe& operation, int place);
  // Closes it, and gives its place back, with the next submission, which saves system calls. No operation of it may be
  // under way.
  void Close(UniqueFd fd, int place = kNoPlace);

  // Submits what was prepared, with one system call. The first also blocks until something has completed or a signal
  // came. The second has the kernel post what has completed by now. Fails only if the ring cannot be used any more;
  // a shortage in the kernel leaves the rest prepared for the next call.
  absl::Status SubmitAndWait();
  absl::Status Submit();
  // For the end, when no other call follows: submits until nothing is left prepared, however short the kernel is.
  absl::Status SubmitAll();

  // Calls handle(const io_uring_cqe&) for each completion that is there, oldest first. Handlers may prepare operations;
  // their completions come with a later call. A handler's reference is valid during its call: after the last one all
  // places in the queue go back to the kernel at once.
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

  // What receives of this ring write into.
  UringBuffers& buffers() { return buffers_; }
  const UringOptions& options() const { return options_; }

 private:
  explicit UringRing(const UringOptions& options) : options_(options) {}
  absl::Status Open();
  int TryToOpen();
  absl::Status CheckOptions();
  absl::Status MakeTable();

  const UringOptions options_;
  UringBuffers buffers_;  // Outlives the ring.
  io_uring ring_ = {};
  // The table of sockets: what was last registered at each place, which the kernel reads when it gets to that; and the
  // places that are free.
  std::vector<int> registered_;
  std::vector<int> free_places_;
  bool is_open_ = false;
  absl::Status broken_;     // Why the ring cannot be used any more.
  io_uring_sqe lost_ = {};  // What Prepare() returns then.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_RING_H_
