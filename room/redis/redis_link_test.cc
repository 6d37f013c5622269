// RedisLink: rooms that are one, through a real Redis, which is stopped, killed and replaced by something else.
#include "room/redis/redis_link.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "room/local_room.h"
#include "room/redis/linked_node.h"
#include "room/room.h"
#include "tests/eventually.h"
#include "tests/redis_process.h"

namespace polyserve {
namespace {

using Node = LinkedNode;

constexpr char kLost[] =
    "admin : the other servers of this room cannot be reached; until they can, only this server's members hear you\n";
constexpr char kBack[] = "admin : the other servers of this room can be reached again\n";

class RedisLinkTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(RedisProcess::IsInstalled()) << "tools/setup --test installs redis-server"; }
};

TEST_F(RedisLinkTest, MembersOfAllServersHearWhoComesSpeaksAndGoes) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url()), c(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), carl = c.Join("carl");
  EXPECT_EQ(Hear(*ada), "欢迎 'carl' 进入聊天室\n");
  std::unique_ptr<Member> bob = b.Join("bob");
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  bob->Say("hello");
  EXPECT_EQ(Hear(*ada), "bob : hello\n");
  ada->Say("hello, bob");
  a.room().SayAsAdmin("tea");
  EXPECT_EQ(Hear(*ada), "admin : tea\n");
  HearUntil(*bob, "admin : tea\n");
  bob = nullptr;
  EXPECT_EQ(Hear(*ada), "'bob' 退出聊天室\n");
  const std::string heard = HearUntil(*carl, "'bob' 退出聊天室\n");
  for (const char* const line : {"bob : hello\n", "ada : hello, bob\nadmin : tea\n"}) {
    EXPECT_TRUE(absl::StrContains(heard, line)) << heard;
  }
}

TEST_F(RedisLinkTest, NamesAreUniqueHoweverTheyAreSpeltAndFreeAgain) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  std::unique_ptr<Member> ada = a.Join("ada");
  const std::unique_ptr<Member> other = b.room().NewMember();
  for (const char* const name : {"ada", "Ada", "\u0430da"}) {
    EXPECT_TRUE(absl::IsAlreadyExists(b.TryToJoin(*other, name))) << name;
  }
  EXPECT_EQ(b.TryToJoin(*other, "eva"), absl::OkStatus());
  const std::unique_ptr<Member> late = b.room().NewMember();
  ada->Leave();
  EXPECT_TRUE(Eventually([&] { return b.TryToJoin(*late, "ada").ok(); })) << "it was given back";
  EXPECT_TRUE(absl::IsAlreadyExists(a.TryToJoin(*ada, "eva")));
}

// Of many that want one name at once, on two servers, one gets it.
TEST_F(RedisLinkTest, NameThatManyWantIsOnes) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  for (int round = 0; round < 20; ++round) {
    const std::unique_ptr<Member> one = a.room().NewMember(), two = b.room().NewMember();
    ASSERT_TRUE(one->Join("ada").ok());
    ASSERT_TRUE(two->Join("ada").ok());
    std::vector<std::optional<absl::Status>> answers(2);
    ASSERT_TRUE(Eventually([&] {
      if (!answers[0].has_value()) answers[0] = one->PollAnswer();
      if (!answers[1].has_value()) answers[1] = two->PollAnswer();
      return answers[0].has_value() && answers[1].has_value();
    }));
    EXPECT_NE(answers[0]->ok(), answers[1]->ok());
    one->Leave();
    two->Leave();
    EXPECT_TRUE(Eventually([&] { return redis.Ask({"HLEN", "polyserve:names"}) == "0\n"; }));
  }
}

TEST_F(RedisLinkTest, MemberThatLeavesWhileItsNameIsAskedForHasGivenItBack) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  for (int i = 0; i < 20; ++i) {
    const std::unique_ptr<Member> ada = a.room().NewMember();
    ASSERT_TRUE(ada->Join("ada").ok());
  }
  const std::unique_ptr<Member> ada = b.room().NewMember();
  EXPECT_TRUE(Eventually([&] { return b.TryToJoin(*ada, "ada").ok(); }));
}

TEST_F(RedisLinkTest, PrivateWordsAndPutOutsReachMembersOfOtherServers) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), eva = a.Join("eva"), bob = b.Join("bob"), ben = b.Join("ben");
  HearUntil(*ada, "欢迎 'ben' 进入聊天室\n");
  ada->Execute("/to BOB psst");
  EXPECT_TRUE(absl::EndsWith(HearUntil(*bob, "psst\n"), "欢迎 'ben' 进入聊天室\nada -> bob : psst\n"));
  ada->Execute("/to nobody psst");
  EXPECT_EQ(Hear(*ada), "ERR 404 nobody in the room has that name\n");
  ada->Execute("/kick bob he floods");
  std::set<std::string> told = {Hear(*ada), Hear(*ada)};  // They come from two servers.
  EXPECT_EQ(told,
            (std::set<std::string>{"'bob' (on another server) was kicked by ada: he floods\n", "'bob' 退出聊天室\n"}));
  EXPECT_EQ(bob->eviction(), "kicked by ada: he floods");
  EXPECT_FALSE(ben->is_cut_off());
  EXPECT_FALSE(absl::StrContains(HearUntil(*eva, "'bob' 退出聊天室\n"), "psst")) << "that was private";
}

TEST_F(RedisLinkTest, BansHoldOnAllServersAndOnThoseThatStartLater) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  ada->Execute("/ban Bob 5 spam");
  EXPECT_EQ(Hear(*ada), "'Bob' is banned for 5 minutes\n");
  EXPECT_EQ(Hear(*ada), "'bob' 退出聊天室\n");
  EXPECT_EQ(bob->eviction(), "banned by ada for 5 minutes: spam");
  Node c(redis.url());
  for (Node* node : {&a, &b, &c}) {
    const std::unique_ptr<Member> again = node->room().NewMember();
    EXPECT_TRUE(absl::IsFailedPrecondition(node->TryToJoin(*again, "bob")));
  }
  const std::unique_ptr<Member> carl = c.Join("carl");
  HearUntil(*ada, "欢迎 'carl' 进入聊天室\n");
  carl->Execute("/unban BOB");
  EXPECT_EQ(Hear(*carl), "'BOB' is not banned any more\n");
  for (Node* node : {&a, &b, &c}) {
    EXPECT_TRUE(Eventually([node] {
      const std::unique_ptr<Member> again = node->room().NewMember();
      return node->TryToJoin(*again, "bob").ok();
    }));
  }
  EXPECT_EQ(redis.Ask({"HLEN", "polyserve:bans"}), "0\n");
}

TEST_F(RedisLinkTest, HistoryIsThatOfAllServers) {
  const RedisProcess redis;
  Node a(redis.url(), {}, 3);
  const std::unique_ptr<Member> ada = a.Join("ada");
  for (const char* const text : {"one", "two", "three"}) ada->Say(text);
  EXPECT_TRUE(Eventually([&] { return redis.Ask({"XLEN", "polyserve:room"}) == "4\n"; }));
  Node b(redis.url(), {}, 3);
  EXPECT_EQ(HearUntil(*b.Join("bob"), "three\n"), "ada : one\nada : two\nada : three\n");
}

TEST_F(RedisLinkTest, WithoutRedisServersAreAloneAndWhatWasSaidMeanwhileArrivesOnceBehindIt) {
  RedisProcess redis({.keeps_data = true});
  Node a(redis.url()), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), eva = a.Join("eva"), bob = b.Join("bob");
  HearUntil(*eva, "欢迎 'bob' 进入聊天室\n");
  HearUntil(*ada, "欢迎 'bob' 进入聊天室\n");
  redis.Kill();
  for (Member* member : {ada.get(), eva.get()}) EXPECT_EQ(Hear(*member), kLost);
  HearUntil(*bob, kLost);
  ada->Say("one");
  bob->Say("uno");
  EXPECT_EQ(Hear(*eva), "ada : one\n");
  bob->Execute("/to ada psst");
  EXPECT_EQ(Hear(*bob), "ERR 503 nobody on this server has that name, and the others cannot be reached\n");
  const std::unique_ptr<Member> carl = b.Join("carl");
  EXPECT_EQ(Hear(*carl),
            "admin : the other servers of this room cannot be reached; only this server's members hear you\n");
  ada->Say("two");
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return a.is_up() && b.is_up(); }));
  ada->Say("three");
  bob->Say("tres");
  const std::string at_bob = HearUntil(*bob, "ada : three\n"), at_eva = HearUntil(*eva, "bob : tres\n");
  std::string without_news = absl::StrCat(at_bob, at_eva);
  for (const char* const line : {"ada : one\n", "ada : two\n", "ada : three\n"}) {
    EXPECT_EQ(at_bob.find(line), at_bob.rfind(line)) << at_bob;
    EXPECT_TRUE(absl::StrContains(at_bob, line)) << at_bob;
  }
  EXPECT_LT(at_bob.find("one"), at_bob.find("two"));
  for (const char* const line : {"bob : uno\n", "欢迎 'carl' 进入聊天室\n", "bob : tres\n"}) {
    EXPECT_EQ(at_eva.find(line), at_eva.rfind(line)) << at_eva;
    EXPECT_TRUE(absl::StrContains(at_eva, line)) << at_eva;
  }
  EXPECT_TRUE(absl::StrContains(at_bob, kBack) || absl::StrContains(HearUntil(*bob, kBack), kBack));
  EXPECT_FALSE(absl::StrContains(at_eva, "退出")) << "nobody has left";
}

// It takes connections, and answers none: only the time tells.
TEST_F(RedisLinkTest, StoppedRedisIsNoticedAndNothingIsLostOrSaidTwice) {
  const RedisProcess redis;
  Node a(redis.url(), {}, 0, absl::Seconds(1)), b(redis.url(), {}, 0, absl::Seconds(1));
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  redis.Stop();
  ada->Say("into the void");
  HearUntil(*ada, kLost);
  HearUntil(*bob, kLost);
  ada->Say("still there?");
  redis.Continue();
  EXPECT_TRUE(Eventually([&] { return a.is_up() && b.is_up(); }));
  ada->Say("end");
  const std::string heard = HearUntil(*bob, "ada : end\n");
  const size_t first = heard.find("ada : into the void\n"), second = heard.find("ada : still there?\n");
  EXPECT_LT(first, second) << heard;
  EXPECT_EQ(first, heard.rfind("ada : into the void\n")) << heard;
  EXPECT_EQ(second, heard.rfind("ada : still there?\n")) << heard;
}

// Redis comes back empty, as one does that keeps nothing.
TEST_F(RedisLinkTest, RedisThatHasLostItsDataIsGivenTheNamesAgain) {
  RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  redis.Kill();
  HearUntil(*ada, kLost);
  HearUntil(*bob, kLost);
  redis.Start();
  HearUntil(*ada, kBack);
  HearUntil(*bob, kBack);
  EXPECT_TRUE(absl::IsAlreadyExists(b.TryToJoin(*b.room().NewMember(), "ada")));
  EXPECT_TRUE(absl::IsAlreadyExists(a.TryToJoin(*a.room().NewMember(), "bob")));
  ada->Say("hello");
  EXPECT_EQ(Hear(*bob), "ada : hello\n");
}

TEST_F(RedisLinkTest, NameThatTwoTookMeanwhileIsTheFirstOnesBehindIt) {
  RedisProcess redis;
  Node a(redis.url()), b(redis.url());
  redis.Kill();
  EXPECT_TRUE(Eventually([&] { return !a.is_up() && !b.is_up(); }));
  const std::unique_ptr<Member> one = a.Join("ada"), two = b.Join("ada");
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return one->is_cut_off() || two->is_cut_off(); }));
  EXPECT_TRUE(Eventually([&] { return a.is_up() && b.is_up(); }));
  EXPECT_NE(one->is_cut_off(), two->is_cut_off());
  const Member& loser = one->is_cut_off() ? *one : *two;
  EXPECT_EQ(loser.eviction(), "put out: a member of another server has the name");
}

TEST_F(RedisLinkTest, WhatIsTooMuchToBeKeptIsCountedOnBothSides) {
  RedisProcess redis({.keeps_data = true});
  Node a(redis.url(), {.waiting_bytes = 4096}), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  HearUntil(*ada, "欢迎 'bob' 进入聊天室\n");
  redis.Kill();
  EXPECT_EQ(Hear(*ada), kLost);
  HearUntil(*bob, kLost);
  for (int i = 0; i < 100; ++i) ada->Say(absl::StrCat("line ", i));
  redis.Start();
  const std::string told = Hear(*ada);
  ASSERT_TRUE(absl::StartsWith(told, "admin : the other servers of this room can be reached again; ")) << told;
  ada->Say("end");
  const std::string heard = HearUntil(*bob, "ada : end\n");
  int came = 0;
  for (int i = 0; i < 100; ++i) came += absl::StrContains(heard, absl::StrCat("ada : line ", i, "\n")) ? 1 : 0;
  EXPECT_GT(came, 5);
  EXPECT_LT(came, 20);
  EXPECT_TRUE(absl::StrContains(told, absl::StrCat(100 - came, " lines of this server's"))) << told;
  EXPECT_TRUE(absl::StrContains(heard, absl::StrCat(100 - came, " lines of other servers"))) << heard;
}

// Bans that are made and lifted while Redis is away do not grow without a bound, and private words have their answer.
TEST_F(RedisLinkTest, CommandsAndBansWaitWithinTheSameBound) {
  RedisProcess redis({.keeps_data = true});
  Node a(redis.url(), {.waiting_bytes = 4096});
  const std::unique_ptr<Member> ada = a.Join("ada");
  EXPECT_EQ(redis.Ask({"HLEN", "polyserve:bans"}), "0\n");
  redis.Kill();
  EXPECT_EQ(Hear(*ada), kLost);
  for (int i = 0; i < 100; ++i) ada->Execute(absl::StrCat("/ban bad", i, " 5"));
  redis.Start();
  HearUntil(*ada, absl::StrCat("'bad", 99, "' is banned for 5 minutes\n"));
  ASSERT_TRUE(absl::StartsWith(Hear(*ada), "admin : the other servers of this room can be reached again; "));
  EXPECT_TRUE(Eventually([&] { return std::stoi(redis.Ask({"HLEN", "polyserve:bans"})) > 0; }));
  EXPECT_LT(std::stoi(redis.Ask({"HLEN", "polyserve:bans"})), 16);
  // The queue is empty again: there is room.
  ada->Execute("/ban late 5");
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(redis.Ask({"HVALS", "polyserve:bans"}), " late\n"); }));
}

// Not even if the queue is full of what was said meanwhile.
TEST_F(RedisLinkTest, BanThatWasLiftedWhileRedisWasAwayDoesNotComeBack) {
  RedisProcess redis({.keeps_data = true});
  Node a(redis.url(), {.waiting_bytes = 4096});
  const std::unique_ptr<Member> ada = a.Join("ada");
  ada->Execute("/ban bob 60");
  ASSERT_TRUE(Eventually([&] { return redis.Ask({"HLEN", "polyserve:bans"}) == "1\n"; }));
  redis.Kill();
  HearUntil(*ada, kLost);
  for (int i = 0; i < 100; ++i) ada->Say("much");
  for (int i = 0; i < 100; ++i) {
    ada->Execute("/unban bob");
    ada->Execute("/ban bob 60");
  }
  ada->Execute("/unban bob");
  redis.Start();
  HearUntil(*ada, "'bob' is not banned any more\n");
  EXPECT_TRUE(Eventually([&] { return a.is_up() && redis.Ask({"HLEN", "polyserve:bans"}) == "0\n"; }));
  const std::unique_ptr<Member> bob = a.room().NewMember();
  EXPECT_EQ(a.TryToJoin(*bob, "bob"), absl::OkStatus());
}

TEST_F(RedisLinkTest, PrivateWordsThatHaveNoRoomAreAnswered) {
  const RedisProcess redis;
  Node a(redis.url(), {.waiting_bytes = 100}), b(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  ada->Execute("/to bob psst");
  EXPECT_EQ(Hear(*ada),
            "ERR 503 nobody on this server has that name, and too much waits for the others; try again later\n");
}

TEST_F(RedisLinkTest, StreamHasABoundAndWhatFellOutIsCounted) {
  const RedisProcess redis;
  Node a(redis.url(), {.stream_length = 100});
  const std::unique_ptr<Member> ada = a.Join("ada");
  for (int i = 0; i < 2000; ++i) ada->Say("x");
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(redis.Ask({"XINFO", "STREAM", "polyserve:room"}), "2001"); }));
  EXPECT_LE(std::stoi(redis.Ask({"XLEN", "polyserve:room"})), 300);
}

// The lease of a server that has died ends; the others free its names, and say that its members have left.
TEST_F(RedisLinkTest, MembersOfADeadServerHaveLeftWhenItsLeaseEnds) {
  const RedisProcess redis;
  const RedisOutbox::Options brief{.expiry = absl::Seconds(1)};
  Node a(redis.url(), brief);
  const std::unique_ptr<Member> ada = a.Join("ada");
  // What a server leaves behind that was killed.
  redis.Ask({"HSET", "polyserve:names", "bob", "dead bob"});
  redis.Ask({"ZADD", "polyserve:servers", "1", "dead"});
  EXPECT_EQ(Hear(*ada), "'bob' 退出聊天室\n");
  EXPECT_EQ(a.TryToJoin(*a.room().NewMember(), "bob"), absl::OkStatus());
}

// A server that was stopped, or cut off, for longer than its lease: the others have heard that its members left.
TEST_F(RedisLinkTest, ServerThatWasThoughtDeadSaysThatItsMembersAreThere) {
  const RedisProcess redis;
  const RedisOutbox::Options brief{.server = "sleeper", .expiry = absl::Seconds(1)};
  Node a(redis.url()), b(redis.url(), brief);
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  // As another server does.
  redis.Ask(
      {"EVAL",
       "redis.call('ZREM', 'polyserve:servers', 'sleeper'); redis.call('ZADD', 'polyserve:graves', 1, 'sleeper'); "
       "return redis.call('DEL', 'polyserve:names')",
       "0"});
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  EXPECT_TRUE(absl::IsAlreadyExists(a.TryToJoin(*a.room().NewMember(), "bob")));
}

TEST_F(RedisLinkTest, ServerWithoutMembersMayBeThoughtDead) {
  const RedisProcess redis;
  Node a(redis.url()), b(redis.url(), {.server = "sleeper", .expiry = absl::Seconds(1)});
  for (int i = 0; i < 3; ++i) {
    redis.Ask({"ZADD", "polyserve:graves", "1", "sleeper"});
    EXPECT_TRUE(Eventually([&] { return redis.Ask({"ZCARD", "polyserve:graves"}) == "0\n"; }));
  }
  // Nobody had left, so nobody is there again.
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  bob->Say("hello");
  EXPECT_EQ(HearUntil(*ada, "bob : hello\n"), "欢迎 'bob' 进入聊天室\nbob : hello\n");
}

// The connections stay, so only a missing lease shows it.
TEST_F(RedisLinkTest, FlushedRedisIsGivenTheNamesAgainAndNobodyHearsOfIt) {
  const RedisProcess redis;
  Node a(redis.url(), {.expiry = absl::Seconds(1)}), b(redis.url(), {.expiry = absl::Seconds(1)});
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  redis.Ask({"FLUSHALL"});
  EXPECT_TRUE(Eventually([&] { return redis.Ask({"HLEN", "polyserve:names"}) == "2\n"; }));
  EXPECT_EQ(redis.Ask({"ZCARD", "polyserve:servers"}), "2\n");
  EXPECT_TRUE(absl::IsAlreadyExists(b.TryToJoin(*b.room().NewMember(), "ada")));
  bob->Say("hello");
  EXPECT_EQ(Hear(*ada), "bob : hello\n");
}

// The hub that is started in place of one that was killed is of the same server.
TEST_F(RedisLinkTest, NextProcessOfAServerBuriesTheOneBeforeIt) {
  const RedisProcess redis;
  Node a(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada");
  redis.Ask({"HSET", "polyserve:names", "bob", "phoenix bob"});
  const Node b(redis.url(), {.server = "phoenix"});
  EXPECT_EQ(Hear(*ada), "'bob' 退出聊天室\n");
  EXPECT_EQ(a.TryToJoin(*a.room().NewMember(), "bob"), absl::OkStatus());
}

TEST_F(RedisLinkTest, ServerThatEndsGivesItsNamesBack) {
  const RedisProcess redis;
  Node a(redis.url());
  const std::unique_ptr<Member> ada = a.Join("ada");
  {
    Node b(redis.url());
    const std::unique_ptr<Member> bob = b.Join("bob");
    EXPECT_EQ(Hear(*ada), "欢迎 'bob' 进入聊天室\n");
  }
  EXPECT_EQ(Hear(*ada), "'bob' 退出聊天室\n");
  EXPECT_EQ(redis.Ask({"ZCARD", "polyserve:servers"}), "1\n");
  EXPECT_EQ(redis.Ask({"HLEN", "polyserve:names"}), "1\n");
}

TEST_F(RedisLinkTest, PasswordLetsIn) {
  const RedisProcess redis({.password = "secret"});
  Node a(redis.url(":secret@")), b(redis.url("default:secret@"));
  EXPECT_TRUE(a.is_up());
  const std::unique_ptr<Member> ada = a.Join("ada"), bob = b.Join("bob");
  bob->Say("hello");
  EXPECT_EQ(HearUntil(*ada, "bob : hello\n"), "欢迎 'bob' 进入聊天室\nbob : hello\n");
}

TEST_F(RedisLinkTest, TryingSaysWhatIsWrong) {
  const RedisProcess redis({.password = "secret"});
  const auto attempt = [](const std::string& url) {
    const absl::StatusOr<RedisUrl> parsed = RedisUrl::Parse(url);
    return TryRedis({.url = *parsed, .at = *Endpoints::Parse(parsed->address)});
  };
  EXPECT_EQ(attempt(redis.url(":secret@")), absl::OkStatus());
  for (const char* const user : {":wrong@", "nobody:secret@", ""}) {
    const absl::Status status = attempt(redis.url(user));
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), absl::StrCat("redis://", redis.address(), "/0: "))) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "secret")) << status;
  }
  const absl::Status database = attempt(absl::StrCat("redis://:secret@", redis.address(), "/9999"));
  EXPECT_TRUE(absl::IsInvalidArgument(database)) << database;
  redis.Stop();
  const absl::Status stopped = attempt(redis.url(":secret@"));
  EXPECT_TRUE(absl::IsUnavailable(stopped)) << stopped;
  EXPECT_TRUE(absl::IsUnavailable(attempt("redis://127.0.0.1:1/0")));
}

}  // namespace
}  // namespace polyserve
