// RedisUrl: what --room accepts, and what it does not.
#include "room/redis/redis_url.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(RedisUrlTest, PartsThatAreLeftOutHaveTheirUsualValues) {
  const absl::StatusOr<RedisUrl> url = RedisUrl::Parse("redis://cache.example.org");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->host, "cache.example.org");
  EXPECT_EQ(url->address, "cache.example.org:6379");
  EXPECT_EQ(url->user + url->password, "");
  EXPECT_EQ(url->database, 0);
  EXPECT_FALSE(url->has_tls);
}

TEST(RedisUrlTest, AllPartsAreTaken) {
  const absl::StatusOr<RedisUrl> url = RedisUrl::Parse("rediss://ada:p%40ss%3aw%C3%B6rd@[::1]:7000/3");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_TRUE(url->has_tls);
  EXPECT_EQ(url->user, "ada");
  EXPECT_EQ(url->password, "p@ss:wörd");
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->address, "[::1]:7000");
  EXPECT_EQ(url->database, 3);
}

TEST(RedisUrlTest, DefaultUserHasOnlyAPassword) {
  const absl::StatusOr<RedisUrl> url = RedisUrl::Parse("redis://:secret@127.0.0.1:6380/");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->user, "");
  EXPECT_EQ(url->password, "secret");
  EXPECT_EQ(url->shown(), "redis://127.0.0.1:6380/0") << "what is shown has no password";
}

TEST(RedisUrlTest, AddressWithoutAPortMayBeOfIpV6) {
  const absl::StatusOr<RedisUrl> url = RedisUrl::Parse("redis://[2001:db8::1]/1");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->address, "[2001:db8::1]:6379");
}

TEST(RedisUrlTest, OthersAreRefusedWithoutRepeatingAPassword) {
  for (const char* const text :
       {"", "redis:", "http://host", "redis://", "redis://:6379", "redis://:secret@", "redis://secret@host",
        "redis://ada:@host", "redis://:secret%4@host", "redis://:secret%zz@host", "redis://:secret@host/x",
        "redis://:secret@host/-1", "redis://:secret@host/1/2"}) {
    const absl::StatusOr<RedisUrl> url = RedisUrl::Parse(text);
    EXPECT_TRUE(absl::IsInvalidArgument(url.status())) << text;
    EXPECT_FALSE(absl::StrContains(url.status().message(), "secret")) << url.status();
  }
}

}  // namespace
}  // namespace polyserve
