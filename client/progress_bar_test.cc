// The bar is right, and never wider than the terminal.
#include "client/progress_bar.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "client/format.h"

namespace polyserve {

namespace {

constexpr int64_t kMiB = 1024 * 1024;

TEST(ProgressBarTest, ShowsSizesRateAndTimeLeft) {
  EXPECT_EQ(RenderProgress("a", kMiB, 4 * kMiB, absl::Seconds(2), 72),
            "a  25% [====               ]    1.0 MiB of 4.0 MiB  0.5 MiB/s  0:06 left");
}

TEST(ProgressBarTest, EndShowsTheTimeItTook) {
  EXPECT_TRUE(absl::EndsWith(RenderProgress("a", kMiB, kMiB, absl::Seconds(2), 80), "0.5 MiB/s  0:02"));
  EXPECT_TRUE(absl::StrContains(RenderProgress("a", 0, 0, absl::ZeroDuration(), 80), "100%"));
}

TEST(ProgressBarTest, WhatWasThereBeforeDoesNotCountForTheRate) {
  EXPECT_EQ(RenderProgress("a", 3 * kMiB, 4 * kMiB, absl::Seconds(2), 72, 2 * kMiB),
            "a  75% [==============     ]    3.0 MiB of 4.0 MiB  0.5 MiB/s  0:02 left");
}

TEST(ProgressBarTest, IsNeverWiderThanTheTerminal) {
  for (const std::string& label : {std::string("a"), std::string(300, 'x'), std::string("名前名前名前名前名前名前")}) {
    for (size_t columns = 0; columns < 200; ++columns) {
      for (int64_t done : {int64_t{0}, kMiB, INT64_MAX}) {
        const std::string bar = RenderProgress(label, done, INT64_MAX, absl::Seconds(1), columns);
        EXPECT_LE(Columns(bar), columns) << bar;
      }
    }
  }
}

}  // namespace

}  // namespace polyserve
