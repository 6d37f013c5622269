// What is done for one client before the others' turn, where one thread serves many: nobody starves them, be it with
// requests that come faster than they are answered, or with replies that have no end.
#ifndef POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_
#define POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_

#include <cstdint>

namespace polyserve {

// The most that is sent at once. Large enough that a bulk transfer does not notice the turns.
constexpr int64_t kBytesPerTurn = 1024 * 1024;
// The most clients that one listener is relieved of.
constexpr int kAcceptsPerTurn = 64;

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_
