#include "access/login_cache.h"

#include <algorithm>

namespace polyserve {

namespace {

// A digest may be in any entry of its set.
constexpr int kEntriesOfSet = 4;
static_assert(LoginCache::kMaxEntries % kEntriesOfSet == 0);

}  // namespace

LoginCache::Entry* LoginCache::SetOf(const HashDigest& digest) const {
  return &table_->entries[digest[0] % (kMaxEntries / kEntriesOfSet) * kEntriesOfSet];
}

// The expiry is read after the digest and written before it, so an entry that is being replaced is not taken for one
// that lasts as long as its successor.
bool LoginCache::Contains(const HashDigest& digest, absl::Duration now) const {
  const Entry* set = SetOf(digest);
  return std::any_of(set, set + kEntriesOfSet, [&digest, now](const Entry& entry) {
    for (size_t i = 0; i < digest.size(); ++i) {
      if (entry.digest[i] != digest[i]) return false;
    }
    return entry.expires > absl::ToInt64Nanoseconds(now);
  });
}

// Takes the place of what expires first. Two processes that do so at once may mix their digests; then neither is found,
// and is verified once more.
void LoginCache::Add(const HashDigest& digest, absl::Duration now) const {
  Entry* set = SetOf(digest);
  Entry* entry =
      std::min_element(set, set + kEntriesOfSet, [](const Entry& a, const Entry& b) { return a.expires < b.expires; });
  entry->expires = 0;
  for (size_t i = 0; i < digest.size(); ++i) entry->digest[i] = digest[i];
  entry->expires = absl::ToInt64Nanoseconds(now + kLifetime);
}

}  // namespace polyserve
