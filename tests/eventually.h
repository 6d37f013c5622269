// Eventually: waits until a condition about another process is true, instead of sleeping and hoping. All deadlines of
// the integration tests are kPatience: no test passes or fails by being fast or slow, only if the condition never
// becomes true.
//
//   server.Signal(SIGHUP);
//   EXPECT_TRUE(Eventually([&] { return ReadFile(log) == ""; }));
#ifndef POLYSERVE_TESTS_EVENTUALLY_H_
#define POLYSERVE_TESTS_EVENTUALLY_H_

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyserve {

// How this test was compiled, and so the server that it starts. For cases that a sanitizer cannot run as they are. The
// macros are GCC's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // Slow, and hungry for memory.
#else
constexpr bool kSanitized = false;
#endif

// AddressSanitizer, which opens a descriptor of its own now and then, to look at an object's type.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kChecksPointers = true;
#else
constexpr bool kChecksPointers = false;
#endif

#if defined(__SANITIZE_THREAD__)
constexpr bool kDefersSignals = true;  // To the next call that the sanitizer intercepts; sendfile(2) is none of them.
#else
constexpr bool kDefersSignals = false;
#endif

// Far longer than anything takes on a busy machine, and short enough that a test that hangs reports it itself, before
// Bazel's time-out ends it.
constexpr absl::Duration kPatience = absl::Seconds(kSanitized ? 100 : 30);

// Calls the condition every 5 ms, in this thread, and returns true as soon as it is true; false after `patience`.
// Blocks until then. The condition must not wait for long itself. It is called at least once, so a state that holds
// already costs no wait; a state that comes and goes between two calls is missed.
template <typename Condition>
bool Eventually(const Condition& condition, absl::Duration patience = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(patience);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_EVENTUALLY_H_
