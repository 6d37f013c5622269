// --upstream and its companions: what they mean, and what is refused.
#include "upstream_flags.h"

#include <gflags/gflags.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fetch/origin_fetch.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

DECLARE_string(upstream);
DECLARE_int64(upstream_cache);
DECLARE_string(upstream_timeout);

namespace polyserve {
namespace {

class UpstreamFlagsTest : public testing::Test {
 protected:
  static absl::StatusOr<UpstreamOptions> Read(const std::string& url, int64_t max_file_bytes = 1000) {
    FLAGS_upstream = url;
    return UpstreamOptionsFromFlags(max_file_bytes);
  }
  static Origin OriginOf(const std::string& url) {
    const absl::StatusOr<UpstreamOptions> options = Read(url);
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? *options->origin : Origin();
  }

 private:
  gflags::FlagSaver saver_;
};

TEST_F(UpstreamFlagsTest, UrlIsAnAddressAndAPrefix) {
  const Origin origin = OriginOf("http://127.0.0.1:8080/pub/a%20b/");
  EXPECT_EQ(origin.at.ToString(), "127.0.0.1:8080");
  EXPECT_EQ(origin.host, "127.0.0.1:8080");
  EXPECT_EQ(origin.prefix, "/pub/a%20b");
  EXPECT_EQ(OriginOf("http://127.0.0.1").at.ToString(), "127.0.0.1:80");
  EXPECT_EQ(OriginOf("http://[::1]/").at.ToString(), "[::1]:80");
  EXPECT_EQ(OriginOf("http://[::1]:81/").at.ToString(), "[::1]:81");
  EXPECT_EQ(OriginOf("http://[::1]:81/").prefix, "");
}

TEST_F(UpstreamFlagsTest, WithoutAUrlThereIsNone) { EXPECT_EQ(Read("")->origin, nullptr); }

TEST_F(UpstreamFlagsTest, OtherUrlsAreRefused) {
  for (const char* url : {"127.0.0.1:8080", "https://127.0.0.1", "ftp://127.0.0.1", "http://", "http:///pub",
                          "http://127.0.0.1:0", "http://127.0.0.1:80:80", "http://127.0.0.1/a b",
                          "http://127.0.0.1/a?b", "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1\r\n/"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Read(url).status())) << url;
  }
}

TEST_F(UpstreamFlagsTest, FileIsNoLargerThanAllCopiesMayBe) {
  EXPECT_EQ(OriginOf("http://127.0.0.1").max_file_bytes, 1000);
  FLAGS_upstream_cache = 10;
  EXPECT_EQ(OriginOf("http://127.0.0.1").max_file_bytes, 10);
  EXPECT_EQ(Read("http://127.0.0.1")->max_copied_bytes, 10);
  FLAGS_upstream_cache = -1;
  EXPECT_FALSE(Read("http://127.0.0.1").ok());
}

TEST_F(UpstreamFlagsTest, ServerThatHasNoTimeIsRefused) {
  FLAGS_upstream_timeout = "0";
  EXPECT_FALSE(Read("http://127.0.0.1").ok());
  FLAGS_upstream_timeout = "inf";
  EXPECT_EQ(OriginOf("http://127.0.0.1").timeout, absl::InfiniteDuration());
}

TEST_F(UpstreamFlagsTest, ServerItselfIsRefused) {
  const UpstreamOptions options = *Read("http://127.0.0.1:8080");
  EXPECT_FALSE(CheckUpstreamIsNot(*Endpoint::Parse("0.0.0.0:8080"), options).ok());
  EXPECT_TRUE(CheckUpstreamIsNot(*Endpoint::Parse("0.0.0.0:8081"), options).ok());
  EXPECT_TRUE(CheckUpstreamIsNot(*Endpoint::Parse("0.0.0.0:8080"), UpstreamOptions()).ok());
}

}  // namespace
}  // namespace polyserve
