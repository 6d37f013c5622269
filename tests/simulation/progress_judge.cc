#include "tests/simulation/progress_judge.h"

#include <algorithm>

namespace polyserve::simulation {

namespace {

// Beside a limit of seconds: the few calls and wake-ups of a turn, and poll(2), which counts in milliseconds.
constexpr Time kSlack = kSecond / 2;

}  // namespace

void ProgressJudge::Watch::Begin(Time now, Time now_delayed, Time window, bool is_anew) {
  delayed = now_delayed;
  late = {.left = window, .at = now};
  if (is_anew) early = late;
}

void ProgressJudge::Watch::Earn(Time now, Time earned, Time window) {
  for (Bucket* bucket : {&late, &early}) {
    bucket->Drain(now);
    bucket->left = std::min(bucket->left + earned, window);
  }
}

void ProgressJudge::OnAccept(Time now, Time delayed) {
  is_accepted_ = true;
  OnMove(now, delayed);
  for (Watch* watch : {&input_, &output_, &acknowledgement_}) {
    watch->early = {.left = limits_.rate_window, .at = now};
    watch->owed_until = now;
  }
}

void ProgressJudge::OnMove(Time now, Time delayed) {
  moved_ = now;
  moved_at_all_ = now;
  delayed_ = delayed;
}

void ProgressJudge::OnArrival(Time now, Time delayed, int64_t bytes) {
  moved_at_all_ = now;
  delayed_ = delayed;
  if (has_rate()) input_.Earn(now, Earned(bytes), limits_.rate_window);
}

void ProgressJudge::OnAcknowledgement(Time now, Time delayed, int64_t bytes) {
  acknowledged_ = now;
  moved_at_all_ = now;
  delayed_ = delayed;
  if (!has_rate()) return;
  output_.Earn(now, Earned(bytes), limits_.rate_window);
  acknowledgement_.Earn(now, Earned(bytes), limits_.rate_window);
}

void ProgressJudge::SetDebts(Time now, Time delayed, bool rest_of_line, bool unsent, bool unacknowledged) {
  SetDebt(input_, now, delayed, rest_of_line);
  SetDebt(output_, now, delayed, unsent);
  SetDebt(acknowledgement_, now, delayed, unacknowledged);
}

// A driver looks once a tick, at most a quarter of the window apart, and sees that nothing is owed if that lasts two.
void ProgressJudge::SetDebt(Watch& watch, Time now, Time delayed, bool is_owed) const {
  if (watch.is_owed == is_owed) return;
  if (is_owed) watch.Begin(now, delayed, limits_.rate_window, now - watch.owed_until > limits_.rate_window / 2);
  watch.is_owed = is_owed;
  watch.owed_until = now;
}

const char* ProgressJudge::FindLate(Time now, Time delayed) const {
  if (!is_accepted_) return nullptr;
  const Time slack = kSlack + 2 * (delayed - delayed_);
  // If all was handed to the kernel, the driver asks it for the first time after the time-out, and then waits anew.
  const Time quarters = acknowledgement_.is_owed ? 11 : 6;
  if (limits_.idle_timeout != kNever && now - moved_at_all_ > limits_.idle_timeout * quarters / 4 + slack) {
    return "the connection was silent for much longer than the idle time-out, and was not ended";
  }
  for (const Watch* watch : {&input_, &output_}) {
    if (!has_rate() || !watch->is_owed) continue;
    const Time left = watch->late.left - (now - watch->late.at);
    const Time slack_of_debt = kSlack + 2 * (delayed - watch->delayed);
    if (left < -limits_.rate_window / 2 - slack_of_debt)
      return "the peer was far below the least rate, and was not ended";
  }
  return nullptr;
}

const char* ProgressJudge::FindEarly(Time now) const {
  if (limits_.idle_timeout != kNever && now - moved_ >= limits_.idle_timeout) return nullptr;
  for (const Watch* watch : {&input_, &acknowledgement_}) {
    if (has_rate() && watch->early.left - (now - watch->early.at) < limits_.rate_window * 3 / 8) return nullptr;
  }
  return "the server has ended a connection that was neither silent nor slow for long enough";
}

}  // namespace polyserve::simulation
