// RateLimit: a token bucket for the commands of one member: `per_second` tokens a second, of which at most a second's
// worth is saved. So after a silence it allows a burst, and on average never more than the rate.
//
//   if (!limit.allows_one()) ...wait a little, and ask again
//   limit.Use();
//
// The bucket is filled only when it is found empty, from the time that has passed since: a member that keeps within its
// rate costs a subtraction for each command, and a look at the clock for each bucketful. Asking takes no token, so a
// command that cannot be executed yet may ask as often as it wants.
#ifndef POLYSERVE_ROOM_RATE_LIMIT_H_
#define POLYSERVE_ROOM_RATE_LIMIT_H_

#include <algorithm>
#include <chrono>

namespace polyserve {

// One thread at a time. Reads the clock at most once for each second's worth of tokens.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  // `per_second` must not be negative; 0: there is no limit. The bucket is full at first.
  explicit RateLimit(int per_second, Clock::time_point now = Clock::now())
      : per_second_(per_second), tokens_(per_second), counted_until_(now) {}

  // Whether one more is allowed now. Reads the clock only when no token is left.
  bool allows_one() { return per_second_ == 0 || tokens_ > 0 || Refill(Clock::now()); }
  bool allows_one(Clock::time_point now) { return per_second_ == 0 || tokens_ > 0 || Refill(now); }

  // Takes a token; call it after allows_one() has returned true.
  void Use() {
    if (tokens_ > 0) --tokens_;
  }

 private:
  bool Refill(Clock::time_point now) {
    const double earned = std::chrono::duration<double>(now - counted_until_).count() * per_second_;
    if (earned < 1) return false;
    tokens_ = static_cast<int>(std::min(earned, static_cast<double>(per_second_)));
    // Keep the fraction of a token for the next refill.
    const std::chrono::duration<double> paid(tokens_ / static_cast<double>(per_second_));
    counted_until_ = earned < per_second_ ? counted_until_ + std::chrono::duration_cast<Clock::duration>(paid) : now;
    return true;
  }

  const int per_second_;
  int tokens_;
  Clock::time_point counted_until_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_RATE_LIMIT_H_
