// RequestTimes: what is added comes out again, in the right bucket, and the parts add up to the whole.
#include "net/request_times.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

RequestTimes::Parts PartsWith(RequestPart part, nanoseconds time) {
  RequestTimes::Parts parts = {};
  parts[static_cast<size_t>(part)] = time;
  return parts;
}

class RequestTimesTest : public testing::Test {
 protected:
  static constexpr int kService = 3;
  const std::unique_ptr<RequestTimes::Table> table_ = std::make_unique<RequestTimes::Table>();
  const RequestTimes times_ = RequestTimes(*table_, 1);

  RequestTimes::Figures Of(RequestPart part) const {
    return times_.FiguresOf(kService).parts[static_cast<size_t>(part)];
  }
};

TEST_F(RequestTimesTest, PartsOfARequestAddUpToTheWhole) {
  RequestTimes::Parts parts = PartsWith(RequestPart::kWait, microseconds(700));
  parts[static_cast<size_t>(RequestPart::kRun)] = microseconds(300);
  times_.Add(kService, parts);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kWait).seconds, 700e-6);
  EXPECT_DOUBLE_EQ(Of(RequestPart::kRun).seconds, 300e-6);
  EXPECT_DOUBLE_EQ(times_.FiguresOf(kService).whole.seconds, 1e-3);
}

TEST_F(RequestTimesTest, EachPartCountsEachRequest) {
  times_.Add(kService, PartsWith(RequestPart::kRun, microseconds(5)));
  times_.Add(kService, PartsWith(RequestPart::kWait, microseconds(5)));
  for (const RequestTimes::Figures& part : times_.FiguresOf(kService).parts) EXPECT_EQ(part.count, 2);
  EXPECT_EQ(times_.FiguresOf(kService).whole.count, 2);
}

TEST_F(RequestTimesTest, BoundOfABucketBelongsToIt) {
  times_.Add(kService, PartsWith(RequestPart::kRun, microseconds(8)));
  times_.Add(kService, PartsWith(RequestPart::kRun, microseconds(8) + nanoseconds(1)));
  EXPECT_DOUBLE_EQ(RequestTimes::BoundOf(3), 8e-6);
  EXPECT_EQ(Of(RequestPart::kRun).buckets[3], 1);
  EXPECT_EQ(Of(RequestPart::kRun).buckets[4], 1);
}

TEST_F(RequestTimesTest, NothingIsTooShortOrTooLongForTheBuckets) {
  times_.Add(kService, PartsWith(RequestPart::kRun, std::chrono::hours(1)));
  times_.Add(kService, PartsWith(RequestPart::kRun, nanoseconds(0)));
  EXPECT_EQ(Of(RequestPart::kRun).buckets[0], 1);
  EXPECT_EQ(Of(RequestPart::kRun).buckets[RequestTimes::kBuckets - 1], 1);
  EXPECT_TRUE(std::isinf(RequestTimes::BoundOf(RequestTimes::kBuckets - 1)));
  EXPECT_NEAR(RequestTimes::BoundOf(RequestTimes::kBuckets - 2), 16.8, 0.1);
}

TEST_F(RequestTimesTest, ServicesAreApart) {
  times_.Add(kService, PartsWith(RequestPart::kRun, microseconds(5)));
  EXPECT_EQ(times_.FiguresOf(kService).whole.count, 1);
  EXPECT_EQ(times_.FiguresOf(kService + 1).whole.count, 0);
  EXPECT_EQ(times_.FiguresOf(kNoService).whole.count, 0);
}

TEST_F(RequestTimesTest, NothingIsAddedIfNothingIsTimed) {
  RequestTimes().Add(kService, PartsWith(RequestPart::kRun, microseconds(5)));
  RequestTimes(*table_, 0).Add(kService, PartsWith(RequestPart::kRun, microseconds(5)));
  EXPECT_EQ(times_.FiguresOf(kService).whole.count, 0);
  EXPECT_EQ(RequestTimes().FiguresOf(kService).whole.count, 0);
}

}  // namespace
}  // namespace polyserve
