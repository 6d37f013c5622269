#include "tests/simulation/plan.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "net/progress_watch.h"
#include "tests/simulation/simulated_session.h"

namespace polyserve::simulation {

namespace {

constexpr int64_t kLargeReply = 20'000;

// Lines with replies of up to this many bytes each.
std::string PlanLine(Random& random, int64_t reply, bool has_head_timeout, Actions actions) {
  switch (random.Between(0, 9)) {
    case 0:
    case 1:
      return absl::StrCat("b", random.Between(0, reply));
    case 2:
      return absl::StrCat("f", random.Between(1, reply));
    case 3:
      if (actions.questions && random.OneIn(2)) return "a";
      return actions.tasks ? "w" : "e";
    case 4:
      return actions.tasks ? absl::StrCat("p", random.Between(1, 300)) : "e";
    case 5:
      return has_head_timeout ? "e" : absl::StrCat("t", random.Between(0, random.OneOf<int64_t>({500, 3'000})));
    default: {
      const char letter = random.OneOf({'a', 'b', 'c'});
      return "e" + std::string(random.Below(random.OneIn(10) ? 800 : 30), letter);
    }
  }
}

std::string PlanScript(Random& random, int64_t reply, bool has_head_timeout, Actions actions) {
  std::string script;
  for (int64_t lines = random.Between(0, 8); lines > 0; --lines) {
    script += PlanLine(random, reply, has_head_timeout, actions) + "\n";
  }
  // The session ends with this, so nothing follows: what it does not read turns its close into a reset.
  if (random.OneIn(4)) script += random.OneOf({"q\n", "?\n", "\n"});
  return script;
}

Manner PlanGoodManner(Random& random, const Limits& limits, Actions actions) {
  Manner manner;
  manner.keeps_rules = true;
  const int64_t reply = random.OneIn(50) ? kMaxReplyBytes : random.OneOf<int64_t>({100, 5'000, 100'000});
  manner.script = PlanScript(random, reply, limits.head_timeout > 0, actions);
  manner.send_most = random.OneOf<size_t>({4, 50, 1'000, 100'000});
  manner.send_pause = random.OneOf<Time>({0, 20 * kMicrosecond, 300 * kMicrosecond});
  manner.read_most = reply > 5'000 ? 300'000 : random.OneOf<size_t>({100, 3'000, 100'000});
  manner.read_pause = random.OneOf<Time>({0, 20 * kMicrosecond, 300 * kMicrosecond});
  manner.ends_after = random.OneOf<Time>({0, kMillisecond, 8 * kSecond});
  return manner;
}

// For how long a peer does nothing. For good only if the server will do something about it.
Time PlanStall(Random& random, const Limits& limits) {
  const bool may_stay = limits.idle_timeout != kNever;
  return random.OneOf<Time>({100 * kMillisecond, 2 * kSecond, 15 * kSecond, may_stay ? kNever : 30 * kSecond});
}

Manner PlanAnyManner(Random& random, const Limits& limits, Actions actions) {
  Manner manner;
  manner.read_most = random.OneOf<size_t>({50, 1'000, 100'000});
  manner.read_pause = random.OneOf<Time>({20 * kMicrosecond, 5 * kMillisecond, 100 * kMillisecond});
  const auto reply = static_cast<int64_t>(manner.read_most) * 20;
  manner.script = PlanScript(random, std::max(reply, kLargeReply), limits.head_timeout > 0, actions);
  // It may end within a line, or have one that is too long.
  if (random.OneIn(3)) manner.script += "e" + std::string(random.Below(random.OneIn(4) ? 3 * kMaxLineBytes : 50), 'x');
  manner.send_most = random.OneOf<size_t>({10, 500, 10'000});
  manner.send_pause = random.OneOf<Time>({20 * kMicrosecond, 5 * kMillisecond, 300 * kMillisecond});
  if (random.OneIn(3)) {
    manner.send_stall_at = static_cast<int64_t>(random.Below(manner.script.size() + 1));
    manner.send_stall = PlanStall(random, limits);
  }
  if (random.OneIn(3)) {
    manner.read_stall_at = random.Between(0, reply);
    manner.read_stall = PlanStall(random, limits);
  }
  manner.end = random.OneOf({Manner::End::kHalfClose, Manner::End::kStay, Manner::End::kLeave, Manner::End::kReset});
  if (manner.end == Manner::End::kStay && limits.idle_timeout == kNever) manner.end = Manner::End::kLeave;
  manner.ends_after = random.Between(0, random.OneOf({kMicrosecond, kMillisecond, 5 * kSecond}));
  manner.answers_end = !random.OneIn(3);
  manner.talks_on = random.OneIn(4) && (manner.send_stall_at < 0 || manner.send_stall != kNever);
  return manner;
}

absl::Duration ToDuration(Time time) { return time == kNever ? absl::InfiniteDuration() : absl::Nanoseconds(time); }

}  // namespace

// The idle time-out is longer than a lingering close, which it would cut short otherwise.
Limits PlanLimits(Random& random, bool may_have_rate) {
  Limits limits;
  limits.idle_timeout = random.OneOf({kNever, 5 * kSecond, 20 * kSecond, 60 * kSecond});
  if (may_have_rate && random.OneIn(3)) {
    limits.least_rate = random.OneOf<int64_t>({100, 2'000});
    limits.rate_window = random.OneOf({2 * kSecond, 8 * kSecond});
  }
  if (random.OneIn(4)) limits.head_timeout = 3 * kSecond;
  limits.stop_grace = random.OneOf<Time>({0, kSecond, 5 * kSecond});
  LeastRate rate;
  if (limits.least_rate > 0) rate = {limits.least_rate, ToDuration(limits.rate_window)};
  const absl::Duration send_wait = ProgressLimits(ToDuration(limits.idle_timeout), rate).send_wait();
  if (send_wait != absl::InfiniteDuration()) limits.send_wait = absl::ToInt64Nanoseconds(send_wait);
  return limits;
}

Manner PlanManner(Random& random, const Limits& limits, Actions actions) {
  Manner manner = random.OneIn(2) ? PlanGoodManner(random, limits, actions) : PlanAnyManner(random, limits, actions);
  manner.connects_after = random.Between(0, random.OneOf({10 * kMicrosecond, 20 * kMillisecond, 3 * kSecond}));
  return manner;
}

}  // namespace polyserve::simulation
