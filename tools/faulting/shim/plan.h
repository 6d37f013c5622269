// Plan: what the driver (tools/faults) and the library that it loads into a server share: a file that both have mapped.
// The driver says which call is to fail, and the library counts the calls that are made.
//
// Layout: native byte order and alignment; plan.py beside this folder has the same, and a test compares the two. All
// processes of a server write to it at once, so each field that changes is atomic.
#ifndef POLYSERVE_TOOLS_FAULTING_SHIM_PLAN_H_
#define POLYSERVE_TOOLS_FAULTING_SHIM_PLAN_H_

#include <atomic>
#include <cstdint>

namespace faulting {

// What is known of a call's descriptor. A call without one is kNone.
enum class Kind : uint32_t { kNone, kFile, kStream, kDatagram, kPipe, kOther };
inline constexpr uint32_t kKinds = 6;

inline constexpr uint32_t kMaxCalls = 96;
inline constexpr uint32_t kNameBytes = 24;

// A process, by when it began and as which in that time: [0] those that began in the server's start, [kBornLater] those
// since then, [kBornNow] those of the current phase. Later ones share the last place of their part.
inline constexpr uint32_t kBornLater = 16, kBornNow = 32, kRoles = 64;

// What is done to the call: errors are an errno below kShort. The last four are no faults of a system: with them the
// driver's own checks are tried.
enum Action : uint32_t {
  kShort = 1000,  // One byte is moved, although there are more.
  kDie,           // The process ends at once.
  kLeak,          // A descriptor is left open.
  kPretend,       // The call is said to have succeeded, and was not made.
  kStall,         // The call never returns.
};

struct Plan {
  // Set by the driver. Phase 0: no calls are counted, and none fails. `sequence` changes with each phase; the first is
  // the server's start.
  std::atomic<uint32_t> phase;
  std::atomic<uint32_t> sequence;
  std::atomic<uint32_t> born;  // Processes that have begun in this phase.

  // The fault: the call of this process, of this kind, which is the N-th such in this phase, from 1 on; 0 for none. The
  // first one from there on to which the action applies: EAGAIN does not to a call that may wait.
  uint32_t role;
  uint32_t call;
  uint32_t kind;
  uint32_t occurrence;
  uint32_t action;
  std::atomic<uint32_t> fired;  // How often it was reached. Only the first time has an effect.

  uint32_t traps_rings;  // io_uring's calls are watched as well; see ring_calls.cc.

  std::atomic<uint32_t> bad_closes;  // close() of a descriptor that was not open.

  char names[kMaxCalls][kNameBytes];                        // Written by the library.
  std::atomic<uint32_t> modes[kMaxCalls][kKinds];           // kMayWait, kMayNotWait, kLarge: as such calls were seen.
  std::atomic<uint32_t> counts[kRoles][kMaxCalls][kKinds];  // Of this phase.
};

inline constexpr uint32_t kMayWait = 1, kMayNotWait = 2, kLarge = 4;

static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);

}  // namespace faulting

#endif  // POLYSERVE_TOOLS_FAULTING_SHIM_PLAN_H_
