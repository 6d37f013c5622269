// The users of a web site: the sizes of the files, how often the users click, and that the load is steady.
#include "client/load/web_users.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/time/time.h"
#include "client/load/schedule.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

constexpr uint32_t kUsers = 2000;

Schedule Draw(uint64_t seed, absl::Duration think_time = absl::Seconds(1)) {
  return DrawWebUsers(kUsers, think_time, seed, "web/", *Endpoint::Parse("127.0.0.1:80"));
}

// Pages: requests that are due at the same time for the same client.
size_t CountClicks(const Schedule& schedule, int64_t from, int64_t to) {
  size_t clicks = 0;
  const Schedule::Request* last = nullptr;
  for (const Schedule::Request& request : schedule.requests) {
    const bool is_new = last == nullptr || last->due != request.due || last->client != request.client;
    if (is_new && request.due >= from && request.due < to) ++clicks;
    last = &request;
  }
  return clicks;
}

TEST(WebUsersTest, SizesHaveTheBodyAndTheTailOfTheirSource) {
  const std::vector<uint64_t> sizes = WebFileSizes();
  ASSERT_EQ(sizes.size(), 100u);
  EXPECT_TRUE(absl::c_is_sorted(sizes));
  // The lognormal distribution has its median at exp(9.357), or 11,580; the tail makes the median of all larger.
  EXPECT_GT(sizes[50], 12'000u);
  EXPECT_LT(sizes[50], 13'000u);
  EXPECT_LT(sizes[92], 133'000u);
  EXPECT_GT(sizes[93], 133'000u);
  // 1 - 0.995 is a fourteenth of the tail: 133,000 times 14 to the power of 1 / 1.1.
  EXPECT_NEAR(static_cast<double>(sizes[99]), 1'464'900, 1000);
}

TEST(WebUsersTest, UsersClickEveryThreeSecondsFromTheBeginningOn) {
  const Schedule schedule = Draw(1);
  EXPECT_EQ(schedule.clients, kUsers);
  EXPECT_EQ(schedule.length, 60'000'000'000);
  // The mean of the Pareto distribution is 3 s; without the right beginning the first second would have all clicks, or
  // none. Four standard deviations of a Poisson process.
  for (const int64_t second : {0, 1, 2, 10, 30, 59}) {
    const size_t clicks = CountClicks(schedule, second * 1'000'000'000, (second + 1) * 1'000'000'000);
    EXPECT_NEAR(static_cast<double>(clicks), kUsers / 3.0, 4 * 25.8) << second;
  }
  // Pages have 1.37 files on average.
  const double clicks = static_cast<double>(CountClicks(schedule, 0, schedule.length));
  EXPECT_NEAR(static_cast<double>(schedule.requests.size()) / clicks, 1.37, 0.05);
}

TEST(WebUsersTest, RequestsAreInOrderAndOfAllFiles) {
  const Schedule schedule = Draw(1);
  EXPECT_TRUE(absl::c_is_sorted(schedule.requests, [](const auto& a, const auto& b) { return a.due < b.due; }));
  std::vector<int> popularity(schedule.targets.size());
  for (const Schedule::Request& request : schedule.requests) ++popularity[request.target];
  EXPECT_GT(*absl::c_min_element(popularity), 0);
  EXPECT_EQ(schedule.targets[7].request, "GET /web/07 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
  EXPECT_EQ(schedule.targets[7].content->size(), schedule.targets[7].bytes);
}

TEST(WebUsersTest, SameSeedIsTheSameLoad) {
  const auto dues = [](const Schedule& schedule) {
    std::vector<int64_t> all;
    for (const Schedule::Request& request : schedule.requests) all.push_back(request.due);
    return all;
  };
  EXPECT_EQ(dues(Draw(1)), dues(Draw(1)));
  EXPECT_NE(dues(Draw(1)), dues(Draw(2)));
}

TEST(WebUsersTest, MoreTimeToThinkIsLessLoad) {
  EXPECT_LT(Draw(1, absl::Seconds(10)).requests.size(), Draw(1).requests.size() / 5);
}

}  // namespace
}  // namespace polyserve
