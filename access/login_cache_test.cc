// The cache of logins: what was added is found until it expires; nothing else is.
#include "access/login_cache.h"

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "access/keyed_hash.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr absl::Duration kNow = absl::Hours(1);

HashDigest Digest(uint64_t number) { return {number, ~number, number * 3, number * 5 + 1}; }

class LoginCacheTest : public testing::Test {
 protected:
  const std::unique_ptr<LoginCache::Table> table_ = std::make_unique<LoginCache::Table>();
  const LoginCache cache_{*table_};
};

TEST_F(LoginCacheTest, EmptyTableHasNothing) {
  EXPECT_FALSE(cache_.Contains(Digest(1), kNow));
  EXPECT_FALSE(cache_.Contains({0, 0, 0, 0}, kNow));
}

TEST_F(LoginCacheTest, DigestIsFoundUntilItExpires) {
  cache_.Add(Digest(1), kNow);
  EXPECT_TRUE(cache_.Contains(Digest(1), kNow));
  EXPECT_TRUE(cache_.Contains(Digest(1), kNow + LoginCache::kLifetime - absl::Seconds(1)));
  EXPECT_FALSE(cache_.Contains(Digest(1), kNow + LoginCache::kLifetime));
}

TEST_F(LoginCacheTest, DigestThatDiffersInAnyPartIsNotFound) {
  cache_.Add(Digest(1), kNow);
  for (size_t i = 0; i < 4; ++i) {
    HashDigest other = Digest(1);
    other[i] ^= uint64_t{1} << 63;
    EXPECT_FALSE(cache_.Contains(other, kNow)) << i;
  }
}

TEST_F(LoginCacheTest, OtherHandlesSeeTheSame) {
  cache_.Add(Digest(1), kNow);
  EXPECT_TRUE(LoginCache(*table_).Contains(Digest(1), kNow));
}

TEST_F(LoginCacheTest, FullTableForgetsTheOldest) {
  constexpr uint64_t kMany = 3 * LoginCache::kMaxEntries;
  for (uint64_t i = 1; i <= kMany; ++i) cache_.Add(Digest(i), kNow + absl::Milliseconds(static_cast<int64_t>(i)));
  EXPECT_FALSE(cache_.Contains(Digest(1), kNow));
  EXPECT_TRUE(cache_.Contains(Digest(kMany), kNow));
  int found = 0;
  for (uint64_t i = 1; i <= kMany; ++i) found += cache_.Contains(Digest(i), kNow) ? 1 : 0;
  EXPECT_EQ(found, LoginCache::kMaxEntries);
}

}  // namespace

}  // namespace polyserve
