// FailureLimit: how many wrong passwords an address may try in a minute, all at once or one after the other. A token
// bucket for each address, in memory that all processes share. An attempt takes a token before the password is
// verified, and gets it back if the password was right, so the limit also bounds the processor time that an address can
// make the server spend.
//
//   Take() ─┬▶ kGo: verify ─┬▶ right: GiveBack()
//           │               └▶ wrong: the token is gone
//           ├▶ kSoon: no token, but another attempt from there began just now; it may be right, so ask again in a
//           moment └▶ kTooMany: no token
#ifndef POLYSERVE_ACCESS_FAILURE_LIMIT_H_
#define POLYSERVE_ACCESS_FAILURE_LIMIT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/keyed_hash.h"
#include "access/token_buckets.h"

namespace polyserve {

// A handle. Any thread of any process; nothing blocks or takes a lock.
class FailureLimit {
 public:
  // An attempt that began no longer ago may still be under way: more than the slowest usual hash takes.
  static constexpr absl::Duration kUnderWay = absl::Seconds(1);

  enum class Answer { kGo, kSoon, kTooMany };

  // All zeroes: no failures.
  using Table = TokenBuckets::Table;

  // `key` makes the places of addresses in the table unpredictable; it is the same in all processes. `per_minute`: 0 is
  // for no limit.
  FailureLimit(Table& table, const HashKey& key, int per_minute);

  // `address` as for AddressKey(). `now` is of SteadyNow(); a parameter for tests.
  Answer Take(absl::string_view address, absl::Duration now) const;
  void GiveBack(absl::string_view address) const;
  // How long an address without tokens waits for its next one, in seconds, rounded up.
  int retry_seconds() const;

 private:
  const HashKey* const key_;
  const bool is_limited_;
  const absl::Duration interval_;  // Between two tokens.
  const TokenBuckets buckets_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_FAILURE_LIMIT_H_
