// Eventually: waits for what another process does, without a sleep that stands for a signal. All deadlines of the
// integration tests are kPatience: no test passes or fails by being fast or slow, only by never getting there.
#ifndef POLYSERVE_TESTS_EVENTUALLY_H_
#define POLYSERVE_TESTS_EVENTUALLY_H_

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyserve {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // Slow, and hungry for memory.
#else
constexpr bool kSanitized = false;
#endif

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

constexpr absl::Duration kPatience = absl::Seconds(kSanitized ? 100 : 30);

// Asks every few milliseconds. True as soon as the condition is; false after `patience`.
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
