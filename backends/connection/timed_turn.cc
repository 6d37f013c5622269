#include "backends/connection/timed_turn.h"

#include <algorithm>
#include <cmath>

namespace polyserve {

// Each has a number of its own to begin with: were it the same for all, the first requests of all connections would be
// timed, or none, under models that have a thread or a process for each.
TimedTurn::TimedTurn(const RequestTimes& times) : wait_{times} {
  if (times.every() == 0) return;
  random_ = times.NextSeed() * 2654435761U;  // Neighbouring numbers get far apart (Knuth's multiplicative hash).
  waits_left_ = Draw();
}

void TimedTurn::Begin() {
  is_timed_ = wait_.times.every() > 0;
  if (!is_timed_) return;
  waits_left_ = Draw();
  own_began_ = wait_.began = TimedWait::Clock::now();
  wait_.ended = {};
}

// As if each wait were drawn by itself, with the same chance (a geometric distribution), so that it does not matter
// whether a connection has one request or a million. The generator is a linear congruential one: good enough for that,
// and four bytes.
uint32_t TimedTurn::Draw() {
  random_ = random_ * 1664525U + 1013904223U;
  const double uniform = (static_cast<double>(random_) + 0.5) / 4294967296.0;
  const double missed = std::log(uniform) / std::log1p(-1.0 / wait_.times.every());  // 0 if each one is timed.
  return 1 + static_cast<uint32_t>(std::min(missed, 4e9));
}

}  // namespace polyserve
