// RedisInbox: each event once, in order, and what is missing is counted.
#include "room/redis/redis_inbox.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

RedisReply String(absl::string_view text) { return {RedisReply::Kind::kString, std::string(text), 0, {}}; }

RedisReply Array(std::vector<RedisReply> items) { return {RedisReply::Kind::kArray, "", 0, std::move(items)}; }

RedisReply Entry(absl::string_view id, absl::string_view origin, int number, absl::string_view text,
                 absl::string_view kind = "s") {
  return Array({String(id), Array({String("o"), String(origin), String("n"), String(absl::StrCat(number)), String("k"),
                                   String(kind), String("f"), String("ada"), String("t"), String(text)})});
}

RedisReply Stream(std::vector<RedisReply> entries) {
  return Array({Array({String("polyserve:room"), Array(std::move(entries))})});
}

std::string Show(const absl::StatusOr<std::vector<RoomEvent>>& events) {
  if (!events.ok()) return "fault";
  return absl::StrJoin(*events, " ",
                       [](std::string* all, const RoomEvent& event) { absl::StrAppend(all, event.text); });
}

class RedisInboxTest : public testing::Test {
 protected:
  RedisInbox inbox_{"own server", "own"};
};

TEST_F(RedisInboxTest, ReadsOnBehindTheNewestAndRecallsWhatWasBefore) {
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({Entry("3-1", "a", 8, "eight"), Entry("3-0", "a", 7, "seven")}))),
            "seven eight");
  EXPECT_EQ(inbox_.cursor(), "3-1");
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("4-0", "a", 9, "nine")}))), "nine");
  EXPECT_EQ(inbox_.cursor(), "4-0");
  EXPECT_EQ(Show(inbox_.TakeNext(RedisReply())), "") << "nothing for a while";
  EXPECT_EQ(inbox_.TakeMissing(), 0);
}

TEST_F(RedisInboxTest, EmptyStreamIsReadFromItsBeginning) {
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({}))), "");
  EXPECT_EQ(inbox_.cursor(), "0-0");
}

TEST_F(RedisInboxTest, WhatIsRepeatedIsHeardOnce) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  EXPECT_EQ(Show(inbox_.TakeNext(
                Stream({Entry("1-0", "a", 1, "one"), Entry("1-1", "b", 1, "uno"), Entry("1-2", "a", 2, "two"),
                        Entry("1-3", "a", 1, "one"), Entry("1-4", "a", 2, "two"), Entry("1-5", "a", 3, "three")}))),
            "one uno two three");
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("2-0", "a", 2, "two"), Entry("2-1", "a", 3, "three")}))), "");
  EXPECT_EQ(inbox_.TakeMissing(), 0);
}

TEST_F(RedisInboxTest, OwnEventsAreLeftOut) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("1-0", "own", 1, "mine"), Entry("1-1", "own server", 0, "mine"),
                                         Entry("1-2", "a", 1, "yours")}))),
            "yours");
}

TEST_F(RedisInboxTest, EventsWithoutANumberAreAllNew) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("1-0", "dead", 0, "x", "d"), Entry("1-1", "dead", 0, "y", "d")}))),
            "x y");
}

TEST_F(RedisInboxTest, SkippedNumbersAreMissing) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  EXPECT_EQ(Show(inbox_.TakeNext(Stream(
                {Entry("1-0", "a", 10, "ten"), Entry("1-1", "a", 14, "fourteen"), Entry("1-2", "b", 1000, "b")}))),
            "ten fourteen b");
  EXPECT_EQ(inbox_.TakeMissing(), 3) << "nothing is known of b's earlier ones";
  EXPECT_EQ(inbox_.TakeMissing(), 0);
}

TEST_F(RedisInboxTest, RedisThatHasLostItsDataIsReadFromTheBeginning) {
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({Entry("9-0", "a", 1, "one")}))), "one");
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({Entry("9-0", "a", 1, "one")}))), "");
  EXPECT_EQ(inbox_.cursor(), "9-0");
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({Entry("5-0", "a", 2, "two")}))), "") << "that is for TakeNext()";
  EXPECT_EQ(inbox_.cursor(), "0-0");
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("5-0", "a", 2, "two")}))), "two");
  EXPECT_EQ(Show(inbox_.TakeNewest(Array({}))), "");
  EXPECT_EQ(inbox_.cursor(), "0-0");
}

TEST_F(RedisInboxTest, MalformedEntriesAreLeftOutAndOthersAreNot) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("1-0", "a", 1, "x", "?"), Entry("1-1", "a", -5, "x"),
                                         Entry("1-2", "", 1, "x"), Array({String("1-3"), Array({String("o")})}),
                                         Array({String("1-4"), RedisReply()}), Entry("1-5", "a", 1, "good")}))),
            "good");
  EXPECT_EQ(inbox_.cursor(), "1-5");
}

TEST_F(RedisInboxTest, AnswersOfAnotherKindAreFaults) {
  EXPECT_EQ(Show(inbox_.TakeNewest(RedisReply())), "fault");
  inbox_.TakeNewest(Array({})).IgnoreError();
  for (const RedisReply& reply : {String("hello"), Array({}), Array({String("x")}), Stream({String("x")}),
                                  Stream({Array({String("1"), Array({})})}), Stream({Entry("x-0", "a", 1, "x")}),
                                  Stream({Entry("0-0", "a", 1, "not behind the last one")})}) {
    EXPECT_EQ(Show(inbox_.TakeNext(reply)), "fault");
  }
}

TEST_F(RedisInboxTest, ManyOriginsCostABoundedMemory) {
  inbox_.TakeNewest(Array({})).IgnoreError();
  for (int i = 1; i <= 10000; ++i) {
    EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry(absl::StrCat(i, "-0"), absl::StrCat("origin", i), 1, "x"),
                                           Entry(absl::StrCat(i, "-1"), "stays", i, "y")}))),
              "x y");
  }
  EXPECT_EQ(Show(inbox_.TakeNext(Stream({Entry("10001-0", "stays", 10000, "y")}))), "") << "it was heard lately";
}

}  // namespace
}  // namespace polyserve
