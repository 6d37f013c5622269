// Keyed hashes differ with the key, with each part, and with where a part ends.
#include "access/keyed_hash.h"

#include "gtest/gtest.h"

namespace polyserve {

namespace {

TEST(KeyedHashTest, SamePartsUnderTheSameKeyHaveTheSameHash) {
  const HashKey key = NewHashKey();
  EXPECT_EQ(KeyedHash(key, {"ada", "secret"}), KeyedHash(key, {"ada", "secret"}));
}

TEST(KeyedHashTest, AnyDifferenceGivesAnotherHash) {
  const HashKey key = NewHashKey();
  EXPECT_NE(KeyedHash(key, {"ada", "secret"}), KeyedHash(NewHashKey(), {"ada", "secret"}));
  EXPECT_NE(KeyedHash(key, {"ada", "secret"}), KeyedHash(key, {"ada", "Secret"}));
  EXPECT_NE(KeyedHash(key, {"ada", "secret"}), KeyedHash(key, {"adas", "ecret"}));
  EXPECT_NE(KeyedHash(key, {"ada", "secret"}), KeyedHash(key, {"adasecret"}));
}

}  // namespace

}  // namespace polyserve
