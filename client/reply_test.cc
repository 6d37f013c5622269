// Replies, refusals and malformed lines.
#include "client/reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

namespace {

TEST(ReplyTest, NumbersComeBack) {
  EXPECT_EQ(*ParseReply("OK 5", 1), std::vector<int64_t>({5}));
  EXPECT_EQ(*ParseReply("OK 9223372036854775807 -1", 2), std::vector<int64_t>({INT64_MAX, -1}));
}

TEST(ReplyTest, NonsenseIsDataLoss) {
  for (const char* line : {"",
                           "OK",
                           "OK ",
                           "OK  5",
                           "OK 5 ",
                           "OK +5",
                           "OK 5x",
                           "OK -",
                           "OK -5",
                           "OK 5 5",
                           "OK 5\r",
                           "ok 5",
                           "OKAY 5",
                           "OK 9223372036854775808",
                           "OK 99999999999999999999999999",
                           "HTTP/1.1 200",
                           "ERR",
                           "ERR ",
                           "ERR x y",
                           "ERR 200 fine",
                           "ERR 4040 no",
                           "ERR -404 no"}) {
    const absl::Status status = ParseReply(line, 1).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << line;
    EXPECT_FALSE(RefusalCode(status).has_value()) << line;
  }
  EXPECT_TRUE(absl::IsDataLoss(ParseReply("OK 5", 2).status()));
}

TEST(ReplyTest, RefusalCarriesCodeAndText) {
  const absl::Status status = ParseReply("ERR 404 there is no such file", 1).status();
  EXPECT_EQ(RefusalCode(status), 404);
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "there is no such file");
}

TEST(ReplyTest, RefusalNeedsNoTextAndNoCodeThatWeKnow) {
  EXPECT_EQ(RefusalCode(ParseReply("ERR 507", 1).status()), 507);
  EXPECT_EQ(RefusalCode(ParseReply("ERR 418 a teapot", 1).status()), 418);
}

TEST(ReplyTest, OnlyTheServersWordIsARefusal) {
  EXPECT_FALSE(RefusalCode(absl::NotFoundError("there is no such file")).has_value());
  EXPECT_FALSE(RefusalCode(absl::OkStatus()).has_value());
}

TEST(ReplyTest, ListLineIsReadWithItsSpaces) {
  const absl::StatusOr<FileInfo> file = ParseListLine("a b 1\t5\t-7");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->name, "a b 1");
  EXPECT_EQ(file->size, 5);
  EXPECT_EQ(file->mtime, -7);
}

TEST(ReplyTest, MalformedListLineIsDataLoss) {
  for (const char* line : {"", "a", "a\t5", "\t5\t5", "a\t-5\t5", "a\tx\t5", "a\t5\tx", "a\t5\t5\t5"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseListLine(line).status())) << line;
  }
}

}  // namespace

}  // namespace polyserve
