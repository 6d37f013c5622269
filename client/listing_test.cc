// Listings line up, and JSON stays JSON whatever a name holds.
#include "client/listing.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "client/reply.h"

namespace polyserve {

namespace {

TEST(ListingTest, ColumnsLineUp) {
  EXPECT_EQ(ListLineAsText({"a b", 5, 0}, absl::UTCTimeZone(), true), "       5 B  1970-01-01 00:00:00  a b\n");
  EXPECT_EQ(ListLineAsText({"c", 1536, 1}, absl::UTCTimeZone(), true), "   1.5 KiB  1970-01-01 00:00:01  c\n");
}

TEST(ListingTest, NamesAreMadeHarmlessForATerminalOnly) {
  const FileInfo file = {"\x1b[2J", 0, 0};
  EXPECT_EQ(FileAsText(file, absl::UTCTimeZone(), true), "\\x1b[2J: 0 bytes (0 B), changed 1970-01-01 00:00:00\n");
  EXPECT_EQ(FileAsText(file, absl::UTCTimeZone(), false).substr(0, 4), "\x1b[2J");
}

TEST(ListingTest, JsonIsOneLineThatCommandsNoTerminal) {
  EXPECT_EQ(FileAsJson({"a\"b", 5, -1}), "{\"mtime\":-1,\"name\":\"a\\\"b\",\"size\":5}");
  EXPECT_EQ(FileAsJson({"\xff", 0, 0}), "{\"mtime\":0,\"name\":\"\xef\xbf\xbd\",\"size\":0}");
  EXPECT_EQ(FileAsJson({"\xc2\x9b\u202E\x7f", 0, 0}), "{\"mtime\":0,\"name\":\"\\u009b\\u202e\\u007f\",\"size\":0}");
}

}  // namespace

}  // namespace polyserve
