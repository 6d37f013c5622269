// Fiber: a function that has a stack of its own, and can stop in the middle, however deep it is in calls, until someone
// resumes it: a stackful coroutine. A coroutine of C++ keeps only the locals of one function, and every function
// between it and the wait has to be one; a fiber keeps a stack, and what runs on it is ordinary code.
//
//   loop's thread:  Fiber::Run() ─▶ body(self) ... self.Suspend() ─┐
//                   goes on ◀──────────────────────────────────────┘
//                   Resume() ─────▶ behind Suspend() ... return ───┐
//                   goes on; the fiber is gone ◀───────────────────┘
//
// A switch saves the registers that a function must preserve, and changes the stack pointer (the fcontext of
// Boost.Context): no system call, and no look at the scheduler. Below the stack lies a page that may not be touched: a
// fiber that needs more than its stack ends the process (SIGSEGV), instead of writing into another one's.
//
// Exceptions must not leave the body. Nothing unwinds a fiber from outside: it ends by returning, so whoever wants it
// to end resumes it, and has it see why.
#ifndef POLYSERVE_BACKENDS_EVENT_FIBER_H_
#define POLYSERVE_BACKENDS_EVENT_FIBER_H_

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace polyserve {

// All calls for one fiber come from the thread that has started it.
class Fiber {
 public:
  using Body = absl::AnyInvocable<void(Fiber& self)>;

  // Runs the body on a stack of this many bytes, rounded up to whole pages, until it first suspends or returns. What
  // the body holds is destroyed when it has returned, still on that stack; then the stack is kept for another fiber of
  // this thread, or given back. ResourceExhausted: there is no memory, or no mapping left (vm.max_map_count, of which a
  // stack takes two); then the body was not run.
  static absl::Status Run(size_t stack_bytes, Body body);

  // In the fiber: returns to the call of Run() or Resume(), and from here when it is resumed.
  void Suspend();

  // Outside, if it is suspended: runs it until it suspends again, or returns. Then this object is gone, so this must be
  // the last thing that the caller does with it.
  void Resume();

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

 private:
  // What the sanitizers have to be told of: the stack that is left, and the one that is entered.
  struct Side {
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* shadow = nullptr;  // AddressSanitizer's, of a side that is left.
    void* thread = nullptr;  // ThreadSanitizer's idea of it.
  };

  Fiber(void* stack, size_t stack_bytes, Body body);
  ~Fiber();
  static void Main(boost::context::detail::transfer_t from);
  static void Leave(Side& from, const Side& to, bool for_good);
  static void Arrive(const Side& at, Side* from);

  void* const stack_;
  const size_t stack_bytes_;
  Body body_;
  boost::context::detail::fcontext_t other_;  // Of the two sides, the one that does not run.
  bool is_over_ = false;
  Side inside_;
  Side outside_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_FIBER_H_
