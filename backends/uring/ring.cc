#include "backends/uring/ring.h"

#include <sys/resource.h>

#include <algorithm>
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
// SQPOLL goes with neither, since the kernel's thread does that work.
constexpr unsigned kCommonFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
constexpr unsigned kDeferred = kCommonFlags | IORING_SETUP_DEFER_TASKRUN;
constexpr unsigned kCooperative = kCommonFlags | IORING_SETUP_COOP_TASKRUN;
constexpr unsigned kPolled = kCommonFlags | IORING_SETUP_SQPOLL;

std::vector<unsigned> FlagChoices(const UringOptions& options) {
  if (options.is_polled()) return {kPolled};
  switch (options.task_run) {
    case UringOptions::TaskRun::kDeferred:
      return {kDeferred};
    case UringOptions::TaskRun::kCooperative:
      return {kCooperative};
    case UringOptions::TaskRun::kBest:
      break;
  }
  return {kDeferred, kCooperative};
}

// What liburing 2.3 does not name yet: the feature of a kernel (linux/io_uring.h).
constexpr unsigned kFeatureBundles = 1U << 14;

// Places in the table of sockets: eight bytes each. Connections beyond that are named by their descriptors.
constexpr rlim_t kMaxPlaces = 16384;

constexpr absl::Duration kPatienceForMemory = absl::Seconds(2);
constexpr absl::Duration kPauseForMemory = absl::Milliseconds(20);

// EINVAL: the kernel does not know one of the flags. ENOSYS and EPERM come from a kernel built without io_uring, from
// the sysctl, or from a container's filter of system calls.
absl::Status Refusal(int error, const UringOptions& options) {
  if (error == EINVAL && options.task_run == UringOptions::TaskRun::kDeferred) {
    return absl::UnimplementedError("--defer_taskrun needs Linux 6.1: leave it out");
  }
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

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create(const UringOptions& options) {
  std::unique_ptr<UringRing> ring(new UringRing(options));
  if (absl::Status status = ring->Open(); !status.ok()) return status;
  if (absl::Status status = ring->CheckOptions(); !status.ok()) return status;
  if (absl::Status status = ring->buffers_.LendTo(ring->ring_, options.bundles, options.stamps_arrivals); !status.ok())
    return status;
  if (absl::Status status = ring->MakeTable(); !status.ok()) return status;
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
  return is_open_ ? absl::OkStatus() : Refusal(-result, options_);
}

// 0, or a negative errno.
int UringRing::TryToOpen() {
  int result = 0;
  for (const unsigned flags : FlagChoices(options_)) {
    io_uring_params parameters = {};
    parameters.flags = flags;
    parameters.cq_entries = kCompletions;
    parameters.sq_thread_idle = static_cast<unsigned>(absl::ToInt64Milliseconds(options_.polled_for));
    result = io_uring_queue_init_params(kOperations, &ring_, &parameters);
    // EINVAL: the kernel does not know DEFER_TASKRUN, and may know the next choice. Any other error would come again.
    if (result != -EINVAL) break;
  }
  return result;
}

// The kernel tells of features and of operations, not of every flag of an operation.
absl::Status UringRing::CheckOptions() {
  if (options_.bundles && (ring_.features & kFeatureBundles) == 0) {
    return absl::UnimplementedError("--bundles needs Linux 6.10, and this kernel is older: leave it out");
  }
  if (!options_.zerocopy) return absl::OkStatus();
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
  const bool has_zerocopy = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_SENDMSG_ZC) != 0;
  io_uring_free_probe(probe);
  if (has_zerocopy) return absl::OkStatus();
  return absl::UnimplementedError("--zerocopy needs Linux 6.1, and this kernel is older: leave it out");
}

// Empty at first. The kernel allows no more places than the process may have descriptors.
absl::Status UringRing::MakeTable() {
  if (!options_.registers_files) return absl::OkStatus();
  rlimit most = {};
  ::getrlimit(RLIMIT_NOFILE, &most);
  const rlim_t places = std::min(most.rlim_cur, kMaxPlaces);
  if (const int result = io_uring_register_files_sparse(&ring_, static_cast<unsigned>(places)); result < 0) {
    return absl::ErrnoToStatus(-result, "--registered: io_uring_register_files_sparse");
  }
  registered_.resize(places, -1);
  for (rlim_t place = places; place > 0; --place) free_places_.push_back(static_cast<int>(place - 1));
  return absl::OkStatus();
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
    io_uring_sqring_wait(&ring_);  // With SQPOLL: for the kernel's thread to take some. Nothing otherwise.
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

// An operation, not the call of the same name: so connecting costs no system call more. What is prepared behind it may
// use the place, since the kernel starts the operations of a batch in their order, and finishes this one at once.
int UringRing::Register(int fd) {
  if (free_places_.empty()) return kNoPlace;
  const int place = free_places_.back();
  free_places_.pop_back();
  int& registered = registered_[static_cast<size_t>(place)];
  registered = fd;
  io_uring_sqe* update = Prepare(Tag(Operation::kUnwatched));
  io_uring_prep_files_update(update, &registered, 1, place);
  update->flags |= IOSQE_CQE_SKIP_SUCCESS;
  return place;
}

void UringRing::Name(io_uring_sqe& operation, int place) {
  if (place == kNoPlace) return;
  operation.fd = place;
  operation.flags |= IOSQE_FIXED_FILE;
}

void UringRing::Close(UniqueFd fd, int place) {
  if (place != kNoPlace) {
    io_uring_sqe* vacate = Prepare(Tag(Operation::kUnwatched));
    io_uring_prep_close_direct(vacate, static_cast<unsigned>(place));
    vacate->flags |= IOSQE_CQE_SKIP_SUCCESS;
    free_places_.push_back(place);
  }
  io_uring_sqe* close = Prepare(Tag(Operation::kUnwatched));
  // Released: the number now belongs to the operation, which closes it when the kernel gets to it.
  io_uring_prep_close(close, fd.release());
  close->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

// One io_uring_enter(2) submits and waits. It returns with at least one result, unless a signal came first; the more
// clients are active, the more results there are, and the less each of them costs. With SQPOLL the kernel's thread sees
// what is submitted by itself, and the call is needed only to wait, or to wake that thread.
absl::Status UringRing::SubmitAndWait() {
  if (options_.is_polled()) {
    if (absl::Status status = Submit(); !status.ok() || io_uring_cq_ready(&ring_) > 0) return status;
  }
  return broken_.ok() ? StatusOf(io_uring_submit_and_wait(&ring_, 1)) : broken_;
}

// With DEFER_TASKRUN completions are posted only in a call that asks for events: a plain submit would let a busy loop
// submit for ever and see no result.
absl::Status UringRing::Submit() {
  if (!broken_.ok()) return broken_;
  return StatusOf(options_.is_polled() ? io_uring_submit(&ring_) : io_uring_submit_and_get_events(&ring_));
}

// Others have to free memory meanwhile, or, with SQPOLL, the kernel's thread has to take what is there: the end of the
// ring would drop it.
absl::Status UringRing::SubmitAll() {
  while (true) {
    if (absl::Status status = Submit(); !status.ok() || io_uring_sq_ready(&ring_) == 0) return status;
    absl::SleepFor(kPauseForMemory);
  }
}

}  // namespace polyserve
