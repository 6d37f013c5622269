#include "backends/overload/queue_discipline.h"

#include <algorithm>
#include <cstdint>

namespace polyserve {

// A newcomer that finds nobody tells that the queue was empty until now: it is not asked while nothing comes.
QueueDiscipline::Arrival QueueDiscipline::OnArrival(size_t waiting, Clock::time_point now, bool may_be_refused) {
  if (waiting == 0) was_empty_ = now;
  const bool is_full = IsFull(waiting);
  if (is_full && !takes_newest() && may_be_refused) return Arrival::kRefused;
  const bool is_instead = is_full && takes_newest();
  counters_.CountArrival(static_cast<int64_t>(waiting) + (is_instead ? 0 : 1));
  return is_instead ? Arrival::kInsteadOfOldest : Arrival::kWaits;
}

bool QueueDiscipline::OnTurn(Clock::time_point since, Clock::time_point now) {
  const auto waited = std::max(now - since, Clock::duration::zero());
  counters_.CountTurn(waited);
  return absl::FromChrono(waited) <= Patience(now);
}

absl::Duration QueueDiscipline::Patience(Clock::time_point now) const {
  if (options_.rule != Overload::kDeadline) return absl::InfiniteDuration();
  const bool stands = absl::FromChrono(now - was_empty_) > options_.interval;
  return stands ? options_.target : options_.interval;
}

}  // namespace polyserve
