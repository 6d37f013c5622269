// Conditional requests: the order of section 13.2.2 of RFC 9110, as a table.
#include "protocol/http/conditions.h"

#include <string>

#include "gtest/gtest.h"
#include "protocol/http/date.h"

namespace polyserve {
namespace {

constexpr FileStamp kFile = {5, 784111777, 123, 42};
constexpr absl::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr absl::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";

class HttpConditionsTest : public testing::Test {
 protected:
  HttpVerdict Check(HttpMethod method = HttpMethod::kGet, const FileStamp* file = &kFile) {
    request_.method = method;
    return CheckHttpConditions(request_, file);
  }

  const std::string tag_ = HttpETag(kFile);
  const std::string weak_ = "W/" + tag_;
  HttpRequest request_;
};

TEST_F(HttpConditionsTest, TagsTellStatesApart) {
  EXPECT_EQ(tag_, HttpETag(kFile));
  EXPECT_NE(tag_, HttpETag({6, 784111777, 123, 42}));
  EXPECT_NE(tag_, HttpETag({5, 784111778, 123, 42}));
  EXPECT_NE(tag_, HttpETag({5, 784111777, 124, 42}));
  EXPECT_NE(tag_, HttpETag({5, 784111777, 123, 43}));
  EXPECT_NE(tag_, HttpETag({5, 784111777, 123, 42, 0, 1})) << "a change that keeps size and time";
  // Years 9999 and 1, which touch(1) sets and no count of nanoseconds in 63 bits has.
  EXPECT_NE(HttpETag({5, 253402300799, 0, 42}), HttpETag({5, -62135596800, 0, 42}));
}

TEST_F(HttpConditionsTest, WithoutConditionsAllGoesOn) {
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
  EXPECT_EQ(Check(HttpMethod::kPut, nullptr), HttpVerdict::kGoOn);
}

TEST_F(HttpConditionsTest, IfMatchComparesStrongly) {
  const std::string list = "\"a,b\" , " + tag_;
  for (absl::string_view holds : {absl::string_view("*"), absl::string_view(tag_), absl::string_view(list)}) {
    request_.if_match = holds;
    EXPECT_EQ(Check(), HttpVerdict::kGoOn) << holds;
    EXPECT_EQ(Check(HttpMethod::kPut, nullptr), HttpVerdict::kFailed) << holds;
  }
  for (absl::string_view fails : {absl::string_view(weak_), absl::string_view("\"x\""), absl::string_view(""),
                                  absl::string_view("nonsense"), absl::string_view("\"open")}) {
    request_.if_match = fails;
    EXPECT_EQ(Check(), HttpVerdict::kFailed) << fails;
  }
}

TEST_F(HttpConditionsTest, IfNoneMatchComparesWeakly) {
  for (absl::string_view matches : {absl::string_view("*"), absl::string_view(tag_), absl::string_view(weak_)}) {
    request_.if_none_match = matches;
    EXPECT_EQ(Check(), HttpVerdict::kNotModified) << matches;
    EXPECT_EQ(Check(HttpMethod::kHead), HttpVerdict::kNotModified) << matches;
    EXPECT_EQ(Check(HttpMethod::kPut), HttpVerdict::kFailed) << matches;
    EXPECT_EQ(Check(HttpMethod::kPut, nullptr), HttpVerdict::kGoOn) << matches;
  }
  request_.if_none_match = "\"x\", W/\"y\"";
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
}

TEST_F(HttpConditionsTest, TagsCountBeforeDates) {
  request_.if_match = tag_;
  request_.if_unmodified_since = kBefore;
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
  request_.if_none_match = "\"x\"";
  request_.if_modified_since = kDate;
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
}

TEST_F(HttpConditionsTest, WhatFailsCountsBeforeWhatIsNotModified) {
  request_.if_match = "\"x\"";
  request_.if_none_match = tag_;
  EXPECT_EQ(Check(), HttpVerdict::kFailed);
  request_.if_match.reset();
  request_.if_unmodified_since = kBefore;
  EXPECT_EQ(Check(), HttpVerdict::kFailed);
  request_.if_unmodified_since = kDate;
  EXPECT_EQ(Check(), HttpVerdict::kNotModified);
}

TEST_F(HttpConditionsTest, IgnoresWhatIsNotADate) {
  request_.if_unmodified_since = "yesterday";
  request_.if_modified_since = "yesterday";
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
}

TEST_F(HttpConditionsTest, IfModifiedSinceIsForReadersAlone) {
  request_.if_modified_since = kDate;
  EXPECT_EQ(Check(), HttpVerdict::kNotModified);
  EXPECT_EQ(Check(HttpMethod::kPut), HttpVerdict::kGoOn);
  request_.if_modified_since = kBefore;
  EXPECT_EQ(Check(), HttpVerdict::kGoOn);
}

TEST_F(HttpConditionsTest, IfRangeComparesStrongly) {
  EXPECT_TRUE(HttpRangeApplies(request_, kFile));
  request_.if_range = tag_;
  EXPECT_TRUE(HttpRangeApplies(request_, kFile));
  request_.if_range = kDate;
  EXPECT_TRUE(HttpRangeApplies(request_, kFile));
  for (absl::string_view other : {absl::string_view(weak_), kBefore, absl::string_view("*"), absl::string_view("")}) {
    request_.if_range = other;
    EXPECT_FALSE(HttpRangeApplies(request_, kFile)) << other;
  }
}

}  // namespace
}  // namespace polyserve
