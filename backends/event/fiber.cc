#include "backends/event/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/sys_error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#include <signal.h>
#endif

namespace polyserve {

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

size_t PageBytes() {
  static const auto bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// The page below, which is where a stack ends that grows downwards. No memory is taken before a page is written to.
absl::StatusOr<void*> MapStack(size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* const mapping = ::mmap(nullptr, PageBytes() + bytes, PROT_NONE, flags, -1, 0);
  if (mapping == MAP_FAILED) return SysError("mmap");
  void* const stack = static_cast<char*>(mapping) + PageBytes();
  if (::mprotect(stack, bytes, PROT_READ | PROT_WRITE) == 0) return stack;
  absl::Status status = SysError("mprotect");
  ::munmap(mapping, PageBytes() + bytes);
  return status;
}

void UnmapStack(void* stack, size_t bytes) { ::munmap(static_cast<char*>(stack) - PageBytes(), PageBytes() + bytes); }

// Stacks that this thread has mapped and does not need now: short connections would otherwise cost four system calls
// more each, and fresh pages. All fibers of a thread have stacks of one size, in this program.
class SpareStacks {
 public:
  ~SpareStacks() {
    for (const Spare& spare : spares_) UnmapStack(spare.stack, spare.bytes);
  }

  absl::StatusOr<void*> Take(size_t bytes) {
    if (spares_.empty() || spares_.back().bytes != bytes) return MapStack(bytes);
    void* const stack = spares_.back().stack;
    spares_.pop_back();
    return stack;
  }

  void Put(void* stack, size_t bytes) {
    if (spares_.size() >= kMost) return UnmapStack(stack, bytes);
    spares_.push_back({stack, bytes});
  }

 private:
  struct Spare {
    void* stack;
    size_t bytes;
  };
  // As many as may come and go within some milliseconds; what they have used of their stacks stays in memory.
  static constexpr size_t kMost = 64;

  std::vector<Spare> spares_;
};

thread_local SpareStacks spare_stacks;

// ThreadSanitizer holds a signal back until it is next told of a call, and keeps it with the stack that the signal has
// found: a SIGTERM would sleep with a fiber, or end with it. So before a fiber is left, this thread takes no more
// signals; the call itself delivers those that are held back.
#if defined(__SANITIZE_THREAD__)
thread_local sigset_t signals_before;
#endif

void HoldSignals() {
#if defined(__SANITIZE_THREAD__)
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &signals_before);
#endif
}

void LetSignalsCome() {
#if defined(__SANITIZE_THREAD__)
  ::pthread_sigmask(SIG_SETMASK, &signals_before, nullptr);
#endif
}

// The innermost bytes, where the first context is made.
constexpr size_t kContextBytes = 256;

}  // namespace

// Before a jump. AddressSanitizer keeps a shadow of each stack, which is dropped with a stack that is left for good;
// ThreadSanitizer keeps a stack of calls of its own, hence inline: what is entered on one stack must not be left on the
// other.
[[gnu::always_inline]] inline void Fiber::Leave([[maybe_unused]] Side& from, [[maybe_unused]] const Side& to,
                                                [[maybe_unused]] bool for_good) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.shadow, to.bottom, to.bytes);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(to.thread, 0);
#endif
}

// Behind a jump. `from` learns where the stack lies that was left: that of a thread is not known from the start.
[[gnu::always_inline]] inline void Fiber::Arrive([[maybe_unused]] const Side& at, [[maybe_unused]] Side* from) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(at.shadow, from == nullptr ? nullptr : &from->bottom,
                                  from == nullptr ? nullptr : &from->bytes);
#endif
}

absl::Status Fiber::Run(size_t stack_bytes, Body body) {
  const size_t bytes = (stack_bytes + PageBytes() - 1) / PageBytes() * PageBytes();
  const absl::StatusOr<void*> stack = spare_stacks.Take(bytes);
  if (!stack.ok()) return stack.status();
  // Owns itself: Resume() deletes it once the body has returned.
  (new Fiber(*stack, bytes, std::move(body)))->Resume();
  return absl::OkStatus();
}

Fiber::Fiber(void* stack, size_t stack_bytes, Body body)
    : stack_(stack), stack_bytes_(stack_bytes), body_(std::move(body)) {
  char* const top = static_cast<char*>(stack) + stack_bytes;
  // The context starts with whatever lies there as its frame pointer. Zero ends a walk over the frames
  // (trace/trace.cc); what an earlier fiber has left would lead it astray.
  std::memset(top - kContextBytes, 0, kContextBytes);
  other_ = make_fcontext(top, stack_bytes, &Fiber::Main);
  inside_.bottom = stack;
  inside_.bytes = stack_bytes;
#if defined(__SANITIZE_THREAD__)
  inside_.thread = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(inside_.thread);
#endif
#if defined(__SANITIZE_ADDRESS__)
  // Main() has never returned, and its frame still counts as one.
  __asan_unpoison_memory_region(stack_, stack_bytes_);
#endif
  spare_stacks.Put(stack_, stack_bytes_);
}

// Runs on the fiber's stack. The last jump does not come back, so no destructor may be left to run behind it.
void Fiber::Main(transfer_t from) {
  auto* const self = static_cast<Fiber*>(from.data);
  Arrive(self->inside_, &self->outside_);
  self->other_ = from.fctx;
  self->body_(*self);
  self->body_ = nullptr;
  self->is_over_ = true;
  HoldSignals();
  Leave(self->inside_, self->outside_, /*for_good=*/true);
  jump_fcontext(self->other_, nullptr);
}

void Fiber::Suspend() {
  HoldSignals();
  Leave(inside_, outside_, /*for_good=*/false);
  other_ = jump_fcontext(other_, nullptr).fctx;
  Arrive(inside_, &outside_);
}

void Fiber::Resume() {
#if defined(__SANITIZE_THREAD__)
  outside_.thread = __tsan_get_current_fiber();
#endif
  Leave(outside_, inside_, /*for_good=*/false);
  other_ = jump_fcontext(other_, this).fctx;
  Arrive(outside_, nullptr);
  LetSignalsCome();
  if (is_over_) delete this;
}

}  // namespace polyserve
