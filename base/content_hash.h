// ContentHash: tells whether two pieces of files hold the same bytes, for those who have one of them each.
#ifndef POLYSERVE_BASE_CONTENT_HASH_H_
#define POLYSERVE_BASE_CONTENT_HASH_H_

#include <nettle/sha2.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace polyserve {

// The first 63 bits of SHA-256 as a number that is not negative. Enough against accidents; whoever serves a file can
// say what they like about it anyway.
class ContentHash {
 public:
  ContentHash();

  void Add(absl::string_view bytes);
  // Of all that was added. To be called once, last.
  int64_t Value();

 private:
  sha256_ctx context_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_CONTENT_HASH_H_
