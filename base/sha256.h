// Sha256: the digest that sha256sum(1) prints (FIPS 180-4), for files that a publisher names a digest of. Two ends of
// one connection compare files by ContentHash.
//
//   Sha256 digest;
//   while (...) digest.Add(bytes);
//   digest.Hex() == "2cf24dba..."
#ifndef POLYSERVE_BASE_SHA256_H_
#define POLYSERVE_BASE_SHA256_H_

#include <nettle/sha2.h>

#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// One thread at a time.
class Sha256 {
 public:
  Sha256();

  // The bytes may come in pieces of any size.
  void Add(absl::string_view bytes);
  // The digest of all that was added, as 64 lower-case hexadecimal digits. Call it once, last: it starts afresh.
  std::string Hex();

 private:
  sha256_ctx context_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_SHA256_H_
