// The file of a schedule: what each line means, and which line is wrong, and why.
#include "client/load/schedule.h"

#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "client/load/http_fetch.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

absl::StatusOr<Schedule> Parse(const std::string& text) {
  std::istringstream table(text);
  return ParseSchedule(table, *Endpoint::Parse("127.0.0.1:80"));
}

void ExpectRefused(const std::string& text, absl::string_view why) {
  const absl::StatusOr<Schedule> schedule = Parse(text);
  EXPECT_TRUE(absl::IsInvalidArgument(schedule.status())) << text;
  EXPECT_TRUE(absl::StrContains(schedule.status().message(), why)) << schedule.status();
}

TEST(ScheduleTest, EachLineIsARequest) {
  const absl::StatusOr<Schedule> schedule =
      Parse("time,method,path,bytes,client\n0,GET,/a,10,x\n0.5,HEAD,/b,c,20,y\r\n\n1,GET,/a,10,x\n");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  ASSERT_EQ(schedule->requests.size(), 3u);
  EXPECT_EQ(schedule->clients, 2u);
  ASSERT_EQ(schedule->targets.size(), 2u) << "the same request is kept once";
  EXPECT_EQ(schedule->targets[0].request, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
  EXPECT_EQ(schedule->targets[1].request, "HEAD /b,c HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
  EXPECT_TRUE(schedule->targets[1].is_head);
  EXPECT_EQ(schedule->targets[1].bytes, 20u);
  EXPECT_EQ(schedule->requests[1].due, 500'000'000);
  EXPECT_EQ(schedule->requests[0].client, schedule->requests[2].client);
  EXPECT_NE(schedule->requests[0].client, schedule->requests[1].client);
  EXPECT_FALSE(schedule->requests[0].closes);
}

TEST(ScheduleTest, RequestWithoutAClientHasAConnectionOfItsOwn) {
  const absl::StatusOr<Schedule> schedule = Parse("0,GET,/a,1,\n0,GET,/a,1,\n");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->clients, 2u);
  EXPECT_TRUE(schedule->requests[0].closes);
}

TEST(ScheduleTest, PassEndsAMeanIntervalAfterTheLastRequest) {
  EXPECT_EQ(Parse("0,GET,/a,1,x\n1,GET,/a,1,x\n4,GET,/a,1,x\n")->length, 6'000'000'000);
  EXPECT_EQ(Parse("0,GET,/a,1,x\n")->length, 1'000'000'000);
  EXPECT_EQ(Parse("0,GET,/a,1,x\n1,GET,/a,1,x\n")->rate(), 1);
}

TEST(ScheduleTest, WrongLinesAreNamed) {
  ExpectRefused("", "no request");
  ExpectRefused("time,method,path,bytes,client\n", "no request");
  ExpectRefused("0,GET,/a,1,x\n0,GET,/a,1\n", "line 2: it is not time,method,path,bytes,client");
  ExpectRefused("x,GET,/a,1,x\n", "'x' is not a time");
  ExpectRefused("-1,GET,/a,1,x\n", "'-1' is not a time");
  ExpectRefused("nan,GET,/a,1,x\n", "is not a time");
  ExpectRefused("1,GET,/a,1,x\n0.5,GET,/a,1,x\n", "line 2: it is earlier");
  ExpectRefused("0,POST,/a,1,x\n", "line 1: the method 'POST' cannot be replayed");
  ExpectRefused("0,GET,a,1,x\n", "the path must begin with a slash");
  ExpectRefused("0,GET,/a b,1,x\n", "the path must");
  ExpectRefused("0,GET,/a,much,x\n", "'much' is not a number of bytes");
  ExpectRefused("0,GET,/a,-1,x\n", "'-1' is not a number of bytes");
}

TEST(ScheduleTest, FileThatIsMissingIsNamed) {
  const absl::StatusOr<Schedule> schedule = ReadSchedule("/no/such/file", *Endpoint::Parse("127.0.0.1:80"));
  EXPECT_TRUE(absl::IsNotFound(schedule.status()));
  EXPECT_TRUE(absl::StrContains(schedule.status().message(), "/no/such/file"));
}

}  // namespace
}  // namespace polyserve
