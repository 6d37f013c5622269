// ContentHash: the same bytes give the same number everywhere.
#include "base/content_hash.h"

#include <gtest/gtest.h>

namespace polyserve {

namespace {

int64_t HashOf(absl::string_view bytes) {
  ContentHash hash;
  hash.Add(bytes);
  return hash.Value();
}

// SHA-256("abc") begins with ba7816bf8f01cfea (FIPS 180-2, appendix B.1).
TEST(ContentHashTest, IsTheBeginningOfSha256) {
  EXPECT_EQ(HashOf("abc"), static_cast<int64_t>(0xba7816bf8f01cfeaULL >> 1));
  EXPECT_EQ(HashOf(""), static_cast<int64_t>(0xe3b0c44298fc1c14ULL >> 1));
}

TEST(ContentHashTest, PiecesMakeTheWhole) {
  ContentHash hash;
  hash.Add("a");
  hash.Add("");
  hash.Add("bc");
  EXPECT_EQ(hash.Value(), HashOf("abc"));
}

}  // namespace

}  // namespace polyserve
