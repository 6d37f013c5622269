// ContentHash: tells whether two files hold the same bytes when each end of a connection has one of them. A client that
// has downloaded the parts of a file checks them against a server's file without fetching them again.
//
//   ContentHash hash;
//   while (...) hash.Add(bytes);
//   hash.Value() == value_of_the_peer
#ifndef POLYSERVE_BASE_CONTENT_HASH_H_
#define POLYSERVE_BASE_CONTENT_HASH_H_

#include <nettle/sha2.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace polyserve {

// The first 63 bits of SHA-256 (FIPS 180-4), as a number that is never negative. Two different files have the same
// value by accident once in 2^63; this is no protection against a peer that wants to deceive, which could name any
// value. One thread at a time.
class ContentHash {
 public:
  ContentHash();

  // The bytes may come in pieces of any size.
  void Add(absl::string_view bytes);
  // The hash of all that was added. Call it once, last: it starts afresh.
  int64_t Value();

 private:
  sha256_ctx context_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_CONTENT_HASH_H_
