// LoginCache: which credentials were found right lately, so that a client that sends them with each request costs one
// crypt(3) in kLifetime. Shared by all processes of a server, since a model may have a new process for each connection.
// It holds keyed hashes (access/keyed_hash.h) of credentials, never the credentials, and no wrong ones.
//
// The digest is of the user's stored hash as well: a password that was changed is not found under its old digest.
#ifndef POLYSERVE_ACCESS_LOGIN_CACHE_H_
#define POLYSERVE_ACCESS_LOGIN_CACHE_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "access/keyed_hash.h"

namespace polyserve {

// A handle to the table, which lies in shared memory. Any thread of any process; nothing blocks or takes a lock.
class LoginCache {
 public:
  // From the verification on, however often it is asked for.
  static constexpr absl::Duration kLifetime = absl::Minutes(5);
  // Users that are active at the same time; 64 KiB. If there are more, they are verified more often.
  static constexpr int kMaxEntries = 1024;

  // All zeroes: empty.
  struct Entry;
  struct Table;

  explicit LoginCache(Table& table) : table_(&table) {}

  // `now` is of a clock that all processes share (SteadyNow()); a parameter for tests.
  bool Contains(const HashDigest& digest, absl::Duration now) const;
  void Add(const HashDigest& digest, absl::Duration now) const;

 private:
  Entry* SetOf(const HashDigest& digest) const;

  Table* const table_;
};

// A cache line. A digest that is read while another process replaces it is a mixture of two, and equals neither that
// one nor any other that could be asked for: so a reader needs no lock.
struct alignas(64) LoginCache::Entry {
  std::atomic<uint64_t> digest[4];
  std::atomic<int64_t> expires;  // In nanoseconds of SteadyNow().
};

struct LoginCache::Table {
  Entry entries[kMaxEntries];
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_LOGIN_CACHE_H_
