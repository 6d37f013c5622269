#include "backends/uring/ring.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

// Operations of one batch; a larger one costs a further system call. There may be more completions than operations,
// since a multishot receive has one for each buffer that it fills, hence the larger queue. If that overflows, the
// kernel keeps the rest in memory of its own (IORING_FEAT_NODROP).
constexpr unsigned kOperations = 1024;
constexpr unsigned kCompletions = 8 * kOperations;

// Asked for in this order (io_uring_setup(2)). SINGLE_ISSUER, one thread submits, came with Linux 6.0, as did multishot
// receive, of which the kernel itself says nothing: so it serves as the test for that. SUBMIT_ALL: one bad operation
// does not hold up those behind it. DEFER_TASKRUN (6.1): the kernel works on completions when we wait for them, in one
// go, and does not interrupt the thread for each; COOP_TASKRUN is the next best, since it spares the interrupt alone.
constexpr unsigned kCommonFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
constexpr unsigned kFlagChoices[] = {kCommonFlags | IORING_SETUP_DEFER_TASKRUN,
                                     kCommonFlags | IORING_SETUP_COOP_TASKRUN};

constexpr absl::Duration kPatienceForMemory = absl::Seconds(2);
constexpr absl::Duration kPauseForMemory = absl::Milliseconds(20);

// EINVAL: the kernel does not know one of the flags. ENOSYS and EPERM come from a kernel built without io_uring, from
// the sysctl, or from a container's filter of system calls.
absl::Status Refusal(int error) {
  if (error == EINVAL) {
    return absl::UnimplementedError(
        "--model=uring needs Linux 6.0 (multishot receive), and this kernel is older: choose another model, for "
        "example --model=epoll");
  }
  if (error == EMFILE || error == ENFILE || error == ENOMEM) {
    return absl::ResourceExhaustedError(absl::StrCat("io_uring cannot be set up: ", std::strerror(error)));
  }
  return absl::PermissionDeniedError(
      absl::StrCat("io_uring is not allowed here (", std::strerror(error),
                   error == EPERM    ? "; see the sysctl kernel.io_uring_disabled, or the container's seccomp profile"
                   : error == ENOSYS ? "; see the kernel's configuration, or the container's seccomp profile"
                                     : "",
                   "): choose another model, for example --model=epoll"));
}

// Of io_uring_enter(2). A signal came, or the kernel is short of something for now: what was not submitted stays
// prepared.
absl::Status StatusOf(int result) {
  if (result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY) return absl::OkStatus();
  return absl::ErrnoToStatus(-result, "io_uring_enter");
}

}  // namespace

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create() {
  std::unique_ptr<UringRing> ring(new UringRing);
  if (absl::Status status = ring->Open(); !status.ok()) return status;
  if (absl::Status status = ring->buffers_.LendTo(ring->ring_); !status.ok()) return status;
  io_uring_register_ring_fd(&ring->ring_);  // Saves the kernel a look-up at each call; no harm if it fails.
  return ring;
}

absl::Status UringRing::Open() {
  // The kernel frees the rings of a process that has ended a moment later, by a thread of its own, and until then
  // charges the user for their memory (RLIMIT_MEMLOCK, getrlimit(2)): a server that is started anew may have to wait
  // for it.
  const Deadline patience(kPatienceForMemory);
  int result = TryToOpen();
  for (; result == -ENOMEM && !patience.passed(); result = TryToOpen()) absl::SleepFor(kPauseForMemory);
  is_open_ = result == 0;
  return is_open_ ? absl::OkStatus() : Refusal(-result);
}

// 0, or a negative errno.
int UringRing::TryToOpen() {
  int result = 0;
  for (const unsigned flags : kFlagChoices) {
    io_uring_params parameters = {};
    parameters.flags = flags;
    parameters.cq_entries = kCompletions;
    result = io_uring_queue_init_params(kOperations, &ring_, &parameters);
    // EINVAL: the kernel does not know DEFER_TASKRUN, and may know the next choice. Any other error would come again.
    if (result != -EINVAL) break;
  }
  return result;
}

UringRing::~UringRing() {
  if (is_open_) io_uring_queue_exit(&ring_);
}

// A full queue is emptied by submitting it, which the kernel does before the call returns; the loop only goes round
// again if the kernel took nothing, for want of memory as a rule. It pauses then, because others have to free some.
io_uring_sqe* UringRing::Prepare(uint64_t tag) {
  io_uring_sqe* operation = io_uring_get_sqe(&ring_);
  while (operation == nullptr) {
    const int result = io_uring_submit(&ring_);
    operation = io_uring_get_sqe(&ring_);
    if (operation != nullptr) break;
    broken_.Update(StatusOf(result));
    if (!broken_.ok()) {
      operation = &lost_;
    } else {
      absl::SleepFor(kPauseForMemory);
    }
  }
  // Set here, before the caller prepares the operation: the preparing functions leave this field alone.
  io_uring_sqe_set_data64(operation, tag);
  return operation;
}

// CQE_SKIP_SUCCESS: a completion only if it fails, for example since the operation has just completed by itself
// (ENOENT); that one is ignored. The flag is set last, since the preparing functions reset all flags.
void UringRing::Cancel(uint64_t tag) {
  io_uring_sqe* cancel = Prepare(Tag(Operation::kUnwatched));
  io_uring_prep_cancel64(cancel, tag, 0);
  cancel->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void UringRing::CancelAll(int fd) {
  io_uring_sqe* cancel = Prepare(Tag(Operation::kUnwatched));
  io_uring_prep_cancel_fd(cancel, fd, IORING_ASYNC_CANCEL_ALL);
  cancel->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void UringRing::Close(UniqueFd fd) {
  io_uring_sqe* close = Prepare(Tag(Operation::kUnwatched));
  // Released: the number now belongs to the operation, which closes it when the kernel gets to it.
  io_uring_prep_close(close, fd.release());
  close->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

// One io_uring_enter(2) submits and waits. It returns with at least one result, unless a signal came first; the more
// clients are active, the more results there are, and the less each of them costs.
absl::Status UringRing::SubmitAndWait() {
  return broken_.ok() ? StatusOf(io_uring_submit_and_wait(&ring_, 1)) : broken_;
}

// With DEFER_TASKRUN completions are posted only in a call that asks for events: a plain submit would let a busy loop
// submit for ever and see no result.
absl::Status UringRing::Submit() { return broken_.ok() ? StatusOf(io_uring_submit_and_get_events(&ring_)) : broken_; }

}  // namespace polyserve
