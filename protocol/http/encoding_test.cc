// HttpEncoding: which codings a client accepts, in which order.
#include "protocol/http/encoding.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

std::string Accepted(absl::string_view field) {
  std::string names;
  for (const HttpEncoding& encoding : AcceptedHttpEncodings(field)) {
    absl::StrAppend(&names, names.empty() ? "" : " ", encoding.name);
  }
  return names;
}

TEST(HttpEncodingTest, TakesWhatIsNamed) {
  EXPECT_EQ(Accepted("gzip"), "gzip");
  EXPECT_EQ(Accepted("gzip, deflate, br, zstd"), "br zstd gzip");
  EXPECT_EQ(Accepted("deflate"), "");
  EXPECT_EQ(Accepted(""), "");
  EXPECT_EQ(Accepted("GZIP ,"), "gzip");
  EXPECT_EQ(Accepted("xgzip"), "");
}

TEST(HttpEncodingTest, TakesEachFieldForItself) {
  const std::string padding(1000, ' ');
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Accepted("gzip"), "gzip");
    EXPECT_EQ(Accepted("gzip"), "gzip");
    EXPECT_EQ(Accepted(""), "");
    EXPECT_EQ(Accepted("br"), "br");
    EXPECT_EQ(Accepted(padding + "zstd"), "zstd") << "too long to be kept";
    EXPECT_EQ(Accepted("br"), "br");
  }
}

TEST(HttpEncodingTest, OrdersByWeight) {
  EXPECT_EQ(Accepted("br;q=0.5, gzip;q=0.8, zstd;q=0.123"), "gzip br zstd");
  EXPECT_EQ(Accepted("br;q=0, gzip ; q=1.000"), "gzip");
  EXPECT_EQ(Accepted("br;q=0.000, gzip;q=2, zstd;q=x"), "");
}

TEST(HttpEncodingTest, KnowsTheStarAndTheIdentity) {
  EXPECT_EQ(Accepted("*"), "br zstd gzip");
  EXPECT_EQ(Accepted("*;q=0.1, br;q=0"), "zstd gzip");
  EXPECT_EQ(Accepted("identity, gzip;q=0.5"), "");
  EXPECT_EQ(Accepted("identity;q=0.5, gzip"), "gzip");
}

}  // namespace
}  // namespace polyserve
