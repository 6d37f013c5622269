// Sizes and times, as they are shown.
#include "client/format.h"

#include <gtest/gtest.h>

namespace polyserve {

namespace {

TEST(FormatTest, SizesHaveAUnit) {
  EXPECT_EQ(HumanSize(0), "0 B");
  EXPECT_EQ(HumanSize(1023), "1023 B");
  EXPECT_EQ(HumanSize(1536), "1.5 KiB");
  EXPECT_EQ(HumanSize(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(HumanSize(INT64_MAX), "8.0 EiB");
}

TEST(FormatTest, DatesAreIso) {
  EXPECT_EQ(HumanDate(0, absl::UTCTimeZone()), "1970-01-01 00:00:00");
  EXPECT_EQ(HumanDate(-1, absl::FixedTimeZone(3600)), "1970-01-01 00:59:59");
}

TEST(FormatTest, TimesAreShort) {
  EXPECT_EQ(HumanTime(absl::Milliseconds(7900)), "0:07");
  EXPECT_EQ(HumanTime(absl::Seconds(3723)), "1:02:03");
  EXPECT_EQ(HumanTime(absl::InfiniteDuration()), "-:--");
}

TEST(FormatTest, ColumnsAreNeverTooFew) {
  EXPECT_EQ(Columns("abc"), 3u);
  EXPECT_EQ(Columns("é"), 1u);
  EXPECT_EQ(Columns("名前"), 4u);
  EXPECT_EQ(FitColumns("名前", 3), "名");
  EXPECT_EQ(FitColumns("名前", 4), "名前");
}

}  // namespace

}  // namespace polyserve
