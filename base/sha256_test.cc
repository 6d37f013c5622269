// The examples of FIPS 180-4 and of NIST.
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace polyserve {

namespace {

TEST(Sha256Test, DigestsAreThoseOfTheStandard) {
  Sha256 digest;
  EXPECT_EQ(digest.Hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  digest.Add("abc");
  EXPECT_EQ(digest.Hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, PiecesMakeNoDifference) {
  Sha256 digest;
  for (int i = 0; i < 1000; ++i) digest.Add(std::string(1000, 'a'));
  EXPECT_EQ(digest.Hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace

}  // namespace polyserve
