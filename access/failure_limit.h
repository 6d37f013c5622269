// FailureLimit: how many wrong passwords an address may try in a minute, all at once or one after the other. A token
// bucket for each address, in memory that all processes share. An attempt takes a token before the password is
// verified, and gets it back if the password was right, so the limit also bounds the processor time that an address can
// make the server spend.
//
//   Take() ─┬▶ kGo: verify ─┬▶ right: GiveBack()
//           │               └▶ wrong: the token is gone
//           ├▶ kSoon: no token, but another attempt from there began just now; it may be right, so ask again in a
//           moment └▶ kTooMany: no token
//
// The bucket is a single number, the time at which it will be full again (the "generic cell rate algorithm" of ATM
// networks, ITU-T I.371), so that one compare-and-swap takes a token, and a process that is killed leaves no lock.
#ifndef POLYSERVE_ACCESS_FAILURE_LIMIT_H_
#define POLYSERVE_ACCESS_FAILURE_LIMIT_H_

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/keyed_hash.h"

namespace polyserve {

// A handle. Any thread of any process; nothing blocks or takes a lock.
class FailureLimit {
 public:
  // An attempt that began no longer ago may still be under way: more than the slowest usual hash takes.
  static constexpr absl::Duration kUnderWay = absl::Seconds(1);
  // Addresses with failures that count. If there are more, those whose buckets are fullest are forgotten; 128 KiB.
  static constexpr int kMaxAddresses = 4096;

  enum class Answer { kGo, kSoon, kTooMany };

  // All zeroes: no failures.
  struct Entry;
  struct Table;

  // `key` makes the places of addresses in the table unpredictable; it is the same in all processes. `per_minute`: 0 is
  // for no limit.
  FailureLimit(Table& table, const HashKey& key, int per_minute);

  // `address` as Session::OnPeer() has it. IPv6 addresses with the same first 64 bits are one, since a network gives
  // each customer at least that many (RFC 6177). `now` is of SteadyNow(); a parameter for tests.
  Answer Take(absl::string_view address, absl::Duration now) const;
  void GiveBack(absl::string_view address) const;
  // How long an address without tokens waits for its next one, in seconds, rounded up.
  int retry_seconds() const;

 private:
  uint64_t KeyOf(absl::string_view address) const;
  Entry* Find(uint64_t address_key) const;
  Entry& FindOrMake(uint64_t address_key, int64_t now) const;

  Table* const table_;
  const HashKey* const key_;
  const int64_t burst_;        // Tokens in a full bucket; 0: there is no limit.
  const int64_t interval_ns_;  // Between two tokens.
};

// Times are in nanoseconds of SteadyNow().
struct FailureLimit::Entry {
  std::atomic<uint64_t> address;  // A keyed hash of it; 0: free.
  std::atomic<int64_t> full_at;   // When all tokens will be there; now or before: they are.
  std::atomic<int64_t> begun_at;  // When the last attempt that got a token began.
  int64_t unused;                 // So that no entry lies across two cache lines.
};

struct alignas(64) FailureLimit::Table {
  Entry entries[kMaxAddresses];
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_FAILURE_LIMIT_H_
