// Freshness: what each directive means.
#include "fetch/freshness.h"

#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr int64_t kFallback = 60;

Freshness Of(absl::string_view cache_control, std::optional<int64_t> age = std::nullopt) {
  return FreshnessOf(cache_control, age, kFallback);
}

TEST(FreshnessTest, IsTheFlagsUnlessTheReplyNamesATime) {
  EXPECT_EQ(Of("").fresh_seconds, kFallback);
  EXPECT_EQ(Of("public").fresh_seconds, kFallback);
  EXPECT_EQ(Of("max-age=10").fresh_seconds, 10);
  EXPECT_EQ(Of("public, Max-Age=\"10\"").fresh_seconds, 10);
  EXPECT_EQ(Of("max-age=10, s-maxage=20").fresh_seconds, 20);
  EXPECT_TRUE(Of("s-maxage=20").must_validate);
  EXPECT_FALSE(Of("max-age=10").must_validate);
}

TEST(FreshnessTest, WhatItWasAgedOnItsWayIsTakenOff) {
  EXPECT_EQ(Of("max-age=10", 4).fresh_seconds, 6);
  EXPECT_EQ(Of("max-age=10", 40).fresh_seconds, 0);
  EXPECT_EQ(Of("", 40).fresh_seconds, kFallback);
}

TEST(FreshnessTest, ExpiresCountsUnlessADirectiveNamesATime) {
  EXPECT_EQ(FreshnessOf("", std::nullopt, kFallback, 100).fresh_seconds, 100);
  EXPECT_EQ(FreshnessOf("public", 10, kFallback, 100).fresh_seconds, 90);
  EXPECT_EQ(FreshnessOf("", std::nullopt, kFallback, 0).fresh_seconds, 0);
  EXPECT_EQ(FreshnessOf("", std::nullopt, kFallback, -784111777).fresh_seconds, 0);
  EXPECT_EQ(FreshnessOf("", std::nullopt, kFallback, INT64_MAX).fresh_seconds, 365 * 24 * 60 * 60);
  EXPECT_EQ(FreshnessOf("max-age=5", std::nullopt, kFallback, 100).fresh_seconds, 5);
  EXPECT_EQ(FreshnessOf("no-cache", std::nullopt, kFallback, 100).fresh_seconds, 0);
}

TEST(FreshnessTest, TimesThatMakeNoSenseAreNone) {
  EXPECT_EQ(Of("max-age=soon").fresh_seconds, 0);
  EXPECT_EQ(Of("max-age=-1").fresh_seconds, 0);
  EXPECT_EQ(Of("max-age=99999999999999999999").fresh_seconds, 0);
  EXPECT_EQ(Of("max-age=999999999999").fresh_seconds, 365 * 24 * 60 * 60);
  EXPECT_EQ(FreshnessOf("", std::nullopt, INT64_MAX).fresh_seconds, 365 * 24 * 60 * 60);
}

TEST(FreshnessTest, SomeContentMayNotBeKept) {
  EXPECT_FALSE(Of("no-store").may_keep);
  EXPECT_FALSE(Of("Private").may_keep);
  EXPECT_FALSE(Of("max-age=10, private=\"Set-Cookie, X-Other\"").may_keep);
  EXPECT_TRUE(Of("x-private, x=\"no-store, private\"").may_keep) << "neither a name nor a text";
}

TEST(FreshnessTest, SomeMustNotBeServedStale) {
  EXPECT_TRUE(Of("no-cache, max-age=10").must_validate);
  EXPECT_EQ(Of("no-cache, max-age=10").fresh_seconds, 0);
  EXPECT_TRUE(Of("max-age=10,must-revalidate").must_validate);
  EXPECT_EQ(Of("max-age=10,must-revalidate").fresh_seconds, 10);
  EXPECT_TRUE(Of(", ,proxy-revalidate,").must_validate);
}

TEST(FreshnessTest, QuotesWithoutEndHarmNothing) {
  EXPECT_TRUE(Of("a=\"no-store").may_keep);
  EXPECT_TRUE(Of("a=\"\\").may_keep);
}

}  // namespace
}  // namespace polyserve
