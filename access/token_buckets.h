// TokenBuckets: how often an address may do something, all at once or one after the other: a token bucket for each
// address, in memory that all processes share.
//
// A bucket is a single number, the time at which it will be full again (the "generic cell rate algorithm" of ATM
// networks, ITU-T I.371), so that one compare-and-swap takes a token, and a process that is killed leaves no lock.
#ifndef POLYSERVE_ACCESS_TOKEN_BUCKETS_H_
#define POLYSERVE_ACCESS_TOKEN_BUCKETS_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace polyserve {

// A handle. Any thread of any process; nothing blocks or takes a lock. Times are of one clock that cannot be set, and
// that all processes share.
class TokenBuckets {
 public:
  // Addresses whose buckets are not full. If there are more, those whose buckets are fullest are forgotten; 128 KiB.
  static constexpr int kMaxAddresses = 4096;

  // All zeroes: all buckets are full.
  struct Entry;
  struct Table;

  // A bucket holds `burst` tokens, at least 1, and gets one in each `interval`. The table must outlive it.
  TokenBuckets(Table& table, int burst, absl::Duration interval);

  // Takes a token of this address, an AddressKey(). False: there is none.
  bool Take(uint64_t address_key, absl::Duration now) const;
  void GiveBack(uint64_t address_key) const;
  // When a token of this address was taken last; infinitely long ago if that is not known.
  absl::Duration LastTaken(uint64_t address_key) const;

 private:
  Entry* SetOf(uint64_t address_key) const;
  Entry* Find(uint64_t address_key) const;
  Entry& FindOrMake(uint64_t address_key, int64_t now) const;

  Table* const table_;
  const int64_t burst_;
  const int64_t interval_ns_;
};

// Times are in nanoseconds.
struct TokenBuckets::Entry {
  std::atomic<uint64_t> address;  // Its key; 0: free.
  std::atomic<int64_t> full_at;   // When all tokens will be there; now or before: they are.
  std::atomic<int64_t> taken_at;  // When the last token was taken.
  int64_t unused;                 // So that no entry lies across two cache lines.
};

struct alignas(64) TokenBuckets::Table {
  Entry entries[kMaxAddresses];
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_TOKEN_BUCKETS_H_
