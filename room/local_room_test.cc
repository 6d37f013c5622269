// LocalRoom: which members hear what, and what happens to members that do not read.
#include "room/local_room.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "room/room_link.h"

namespace polyserve {
namespace {

std::string TakeAll(Mailbox& mailbox) {
  std::string all;
  while (const Message message = mailbox.Next()) all += *message;
  return all;
}

std::unique_ptr<Member> Join(Room& room, absl::string_view name) {
  std::unique_ptr<Member> member = room.NewMember();
  EXPECT_TRUE(member->Join(name).ok()) << name;
  return member;
}

TEST(LocalRoomTest, AllButTheSpeakerHear) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob"), carl = Join(room, "carl");
  const std::unique_ptr<Member> outside = room.NewMember();
  bob->Say("hi");
  outside->Say("not heard");
  EXPECT_EQ(TakeAll(*ada), "欢迎 'bob' 进入聊天室\n欢迎 'carl' 进入聊天室\nbob : hi\n");
  EXPECT_EQ(TakeAll(*bob), "欢迎 'carl' 进入聊天室\n");
  EXPECT_EQ(TakeAll(*carl), "bob : hi\n");
  EXPECT_EQ(TakeAll(*outside), "");
}

class CountingWaker : public Waker {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

TEST(LocalRoomTest, WhatACorkedMemberSaysWakesTheOthersOnce) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  TakeAll(*ada);
  CountingWaker waker;
  ada->Attach(&waker);
  bob->Cork();
  bob->Say("one");
  bob->Say("two");
  EXPECT_EQ(waker.wakes, 0);
  bob->Uncork();
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_EQ(TakeAll(*ada), "bob : one\nbob : two\n");
  bob->Cork();
  bob->Uncork();
  EXPECT_EQ(waker.wakes, 1);
  bob->Say("three");
  EXPECT_EQ(waker.wakes, 2);
  ada->Attach(nullptr);
}

// Its mail stays, but it has no seat any more by which it could be found.
TEST(LocalRoomTest, WhoIsPutOutWhileTheSpeakerIsCorkedIsWoken) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  TakeAll(*ada);
  CountingWaker waker;
  ada->Attach(&waker);
  bob->Cork();
  bob->Say("one");
  ada->Leave();
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_EQ(TakeAll(*ada), "bob : one\n");
  bob->Uncork();
  EXPECT_EQ(waker.wakes, 1);
  ada->Attach(nullptr);
}

TEST(LocalRoomTest, AdministratorIsHeardByAll) {
  LocalRoom room("admin");
  room.SayAsAdmin("nobody is there");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  TakeAll(*ada);
  room.SayAsAdmin("tea is ready");
  EXPECT_EQ(TakeAll(*ada), "admin : tea is ready\n");
  EXPECT_EQ(TakeAll(*bob), "admin : tea is ready\n");
  EXPECT_TRUE(absl::IsPermissionDenied(room.NewMember()->Join("theadmin")));
}

TEST(LocalRoomTest, WhoLeavesHearsNoMoreAndMayComeBack) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  bob->Leave();
  bob->Leave();
  ada->Say("anybody?");
  bob->Say("no");
  EXPECT_EQ(TakeAll(*bob), "");
  EXPECT_EQ(TakeAll(*ada), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
  EXPECT_TRUE(bob->Join("ben").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(room.NewMember()->Join("ada")));
  EXPECT_TRUE(room.NewMember()->Join("bob").ok());
}

TEST(LocalRoomTest, WhoNeverReadsIsCutOffAndTheOthersHearThatItLeft) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), deaf = Join(room, "deaf"), stone = Join(room, "stone");
  const std::unique_ptr<Member> bob = Join(room, "bob");
  TakeAll(*bob);
  const std::string text(1000, 'x');
  std::string heard;
  size_t said = 0;
  for (; !absl::StrContains(heard, "'stone' 退出聊天室\n") && said < 10000; ++said) {
    ada->Say(text);
    heard += TakeAll(*bob);
    TakeAll(*ada);
  }
  EXPECT_TRUE(deaf->is_cut_off() && stone->is_cut_off());
  EXPECT_FALSE(ada->is_cut_off() || bob->is_cut_off());
  EXPECT_TRUE(absl::StrContains(heard, "'deaf' 退出聊天室\n"));
  size_t told = 0;
  for (size_t at = 0; (at = heard.find(text, at)) != std::string::npos; ++at) ++told;
  EXPECT_EQ(told, said);
  deaf->Say("I am still here");
  deaf->Leave();
  EXPECT_EQ(TakeAll(*bob), "");
  EXPECT_TRUE(room.NewMember()->Join("deaf").ok()) << "the name is free again";
}

// One budget for all: the member that holds the most goes first, and those that read stay.
TEST(LocalRoomTest, SleepersTogetherHoldNoMoreThanTheRoomsBudget) {
  constexpr int kSleepers = 50;
  constexpr size_t kBudget = 256 * 1024;
  LocalRoom room("admin", {.waiting_bytes = kBudget});
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  std::vector<std::unique_ptr<Member>> sleepers;
  for (int i = 0; i < kSleepers; ++i) sleepers.push_back(Join(room, absl::StrCat("sleeper", i)));
  TakeAll(*bob);
  std::string heard;
  for (int i = 0; i < 5000; ++i) {
    ada->Say("zzz");
    TakeAll(*ada);
    heard += TakeAll(*bob);
    size_t held = 0, most = 0;
    for (const std::unique_ptr<Member>& sleeper : sleepers) {
      if (sleeper->is_cut_off()) continue;
      held += sleeper->waiting_messages() * Mailbox::kBytesPerMessage;
      most = std::max(most, sleeper->waiting_bytes());
    }
    ASSERT_LE(held + most, kBudget);
  }
  EXPECT_FALSE(ada->is_cut_off() || bob->is_cut_off());
  EXPECT_TRUE(absl::StrContains(heard, "'sleeper0' 退出聊天室\n"));
}

// The peer of a member, as the room knows it.
std::unique_ptr<Member> JoinFrom(Room& room, absl::string_view name, absl::string_view address) {
  std::unique_ptr<Member> member = room.NewMember();
  member->set_address(address);
  EXPECT_TRUE(member->Join(name).ok()) << name;
  return member;
}

TEST(LocalRoomTest, PrivateWordsReachOneMemberAlone) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob"), carl = Join(room, "卡尔");
  for (Member* member : {ada.get(), bob.get(), carl.get()}) TakeAll(*member);
  ada->Execute("/to 卡尔 a secret");
  ada->Execute("/to BOB another one");
  EXPECT_EQ(TakeAll(*carl), "ada -> 卡尔 : a secret\n");
  EXPECT_EQ(TakeAll(*bob), "ada -> bob : another one\n") << "names that look alike are one";
  EXPECT_EQ(TakeAll(*ada), "");
  ada->Execute("no command");
  EXPECT_EQ(TakeAll(*bob), "ada : no command\n");
  room.TakeOperatorLine("/to bob quiet, please");
  EXPECT_EQ(TakeAll(*bob), "admin -> bob : quiet, please\n");
}

TEST(LocalRoomTest, PrivateWordsToNobodyAreAnswered) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), outside = room.NewMember();
  for (absl::string_view name : {"bob", "admin", "\xff"}) {
    ada->Execute(absl::StrCat("/to ", name, " hello"));
    EXPECT_EQ(TakeAll(*ada), "ERR 404 nobody in the room has that name\n") << name;
  }
  ada->Execute("/to");
  EXPECT_EQ(TakeAll(*ada), "ERR 400 expected: /to NAME TEXT\n");
  outside->Execute("/to ada hello");
  EXPECT_EQ(TakeAll(*ada) + TakeAll(*outside), "");
}

TEST(LocalRoomTest, PrivateWordsDoNotPileUpAtOneThatDoesNotRead) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), deaf = Join(room, "deaf");
  TakeAll(*ada);
  std::string answer;
  for (int i = 0; i < 1000 && answer.empty(); ++i) {
    ada->Execute(absl::StrCat("/to deaf ", std::string(1000, 'x')));
    answer = TakeAll(*ada);
  }
  EXPECT_EQ(answer, "ERR 503 'deaf' does not read; try again later\n");
  EXPECT_LE(deaf->waiting_bytes(), LocalRoom::kMaxWaitingForLoneMessage + 2048);
  EXPECT_FALSE(deaf->is_cut_off());
}

TEST(LocalRoomTest, KickedMemberIsCutOffWithTheReasonAndTheOthersHearThatItLeft) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = JoinFrom(room, "bob", "192.0.2.7");
  TakeAll(*ada);
  EXPECT_EQ(bob->eviction(), "");
  ada->Execute("/kick bob he floods");
  EXPECT_TRUE(bob->is_cut_off());
  EXPECT_EQ(bob->eviction(), "kicked by ada: he floods");
  EXPECT_EQ(TakeAll(*ada), "'bob' 退出聊天室\n'bob' (192.0.2.7) was kicked by ada: he floods\n");
  bob->Say("I am still here");
  bob->Execute("/to ada I am still here");
  bob->Leave();
  EXPECT_EQ(TakeAll(*ada), "");
  const std::unique_ptr<Member> again = Join(room, "bob");
  room.TakeOperatorLine("/kick bob");
  EXPECT_EQ(again->eviction(), "kicked by admin");
  room.TakeOperatorLine("/kick nobody");
  room.TakeOperatorLine("/no such command");
  EXPECT_FALSE(ada->is_cut_off());
}

TEST(LocalRoomTest, MemberMayPutOutItself) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  TakeAll(*ada);
  bob->Execute("/kick bob");
  EXPECT_EQ(bob->eviction(), "kicked by bob");
  EXPECT_EQ(TakeAll(*ada), "'bob' 退出聊天室\n");
}

TEST(LocalRoomTest, BannedNameStaysOutHoweverItIsSpelt) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  room.TakeOperatorLine("/ban BOB 2 spam");
  EXPECT_EQ(bob->eviction(), "banned by admin for 2 minutes: spam");
  for (absl::string_view name : {"bob", "Bob", "b\u043Eb"}) {
    const absl::Status status = room.NewMember()->Join(name);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << name;
    EXPECT_EQ(status.message(), "banned from the room for 2 more minutes");
  }
  const std::unique_ptr<Member> carl = Join(room, "carl");
  TakeAll(*ada);
  ada->Execute("/bans");
  EXPECT_EQ(TakeAll(*ada), "'BOB' for 2 more minutes\n");
  ada->Execute("/unban bob");
  ada->Execute("/unban bob");
  ada->Execute("/bans");
  EXPECT_EQ(TakeAll(*ada), "'bob' is not banned any more\nERR 404 there is no such ban\nthere are no bans\n");
  EXPECT_TRUE(room.NewMember()->Join("bob").ok());
}

TEST(LocalRoomTest, BannedAddressIsPutOutAndStaysOut) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = JoinFrom(room, "ada", "192.0.2.1");
  const std::unique_ptr<Member> bob = JoinFrom(room, "bob", "2001:db8::1"), ben = JoinFrom(room, "ben", "2001:db8::2");
  const std::unique_ptr<Member> unknown = Join(room, "unknown");
  TakeAll(*ada);
  ada->Execute("/ban 2001:db8::9");
  EXPECT_EQ(bob->eviction(), "banned by ada for 60 minutes");
  EXPECT_TRUE(ben->is_cut_off());
  EXPECT_FALSE(ada->is_cut_off() || unknown->is_cut_off());
  EXPECT_TRUE(absl::StartsWith(TakeAll(*ada), "'b"));
  const std::unique_ptr<Member> other = room.NewMember();
  other->set_address("2001:db8::3");
  EXPECT_TRUE(absl::IsFailedPrecondition(other->Join("other")));
  ada->Execute("/unban 2001:db8::");
  EXPECT_TRUE(other->Join("other").ok());
}

TEST(LocalRoomTest, WhoJoinsHearsTheLastTextsThatAllHeard) {
  LocalRoom room("admin", {.history_lines = 3});
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  for (absl::string_view text : {"one", "two", "three"}) ada->Say(text);
  ada->Execute("/to bob a secret");
  room.SayAsAdmin("four");
  EXPECT_EQ(TakeAll(*Join(room, "carl")), "ada : two\nada : three\nadmin : four\n");
  EXPECT_EQ(TakeAll(*ada), "欢迎 'bob' 进入聊天室\nadmin : four\n欢迎 'carl' 进入聊天室\n'carl' 退出聊天室\n");
}

TEST(LocalRoomTest, HistoryHasAQuarterOfTheRoomsBudget) {
  LocalRoom room("admin", {.waiting_bytes = 64 * 1024, .history_lines = 1000});
  const std::unique_ptr<Member> ada = Join(room, "ada");
  for (int i = 0; i < 100; ++i) ada->Say(std::string(1000, 'x'));
  const std::unique_ptr<Member> bob = Join(room, "bob");
  EXPECT_FALSE(bob->is_cut_off());
  EXPECT_GT(bob->waiting_messages(), 1u);
  EXPECT_LE(bob->waiting_bytes(), 16u * 1024);
}

TEST(LocalRoomTest, WithoutAHistoryNothingIsHeardFromBefore) {
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada");
  ada->Say("one");
  EXPECT_EQ(TakeAll(*Join(room, "bob")), "");
}

// Notes what the room tells it. A test answers claims itself.
class FakeLink : public RoomLink {
 public:
  bool is_up() const override { return up; }
  void Pass(RoomEvent event) override { passed.push_back(std::string(1, static_cast<char>(event.kind)) + event.from); }
  bool PassToOwner(std::string, RoomEvent, std::string, std::string) override { return !full; }
  void KeepBan(std::string, std::string, int) override {}
  void ForgetBan(std::string) override {}
  int64_t Claim(const std::string&, absl::string_view) override { return up ? ++last_claim : 0; }
  void Release(const std::string&) override {}
  void Depart(const std::string&, absl::string_view name) override { passed.push_back(absl::StrCat("d", name)); }

  bool up = false, full = false;
  int64_t last_claim = 0;
  std::vector<std::string> passed;  // "sada": ada has said something.
};

class LinkedRoomTest : public testing::Test {
 protected:
  ~LinkedRoomTest() override { room_.SetLink(nullptr); }
  void SetUp() override { room_.SetLink(&link_); }

  FakeLink link_;
  LocalRoom room_{"admin", {.waiting_bytes = 4096}};
};

TEST_F(LinkedRoomTest, SpeakerThatItsOwnWordsCutOffDepartsBehindThem) {
  const std::unique_ptr<Member> ada = Join(room_, "ada"), bob = Join(room_, "bob");
  // ada does not read, and holds nearly all that the room may.
  while (ada->waiting_bytes() + Mailbox::kBytesPerMessage * ada->waiting_messages() < 3300) {
    bob->Say("x");
    TakeAll(*bob);
  }
  for (int i = 0; i < 100 && !ada->is_cut_off(); ++i) {
    link_.passed.clear();
    ada->Say("last words that are not so short");
  }
  EXPECT_TRUE(ada->is_cut_off());
  EXPECT_EQ(link_.passed, (std::vector<std::string>{"sada", "dada"}));
}

TEST_F(LinkedRoomTest, NewcomerThatCutsAMemberOffArrivesBeforeThatDeparts) {
  const std::unique_ptr<Member> ada = Join(room_, "ada"), bob = Join(room_, "bob");
  std::vector<std::unique_ptr<Member>> others;
  for (int i = 0; i < 1000 && !ada->is_cut_off(); ++i) {
    others.push_back(Join(room_, absl::StrCat("newcomer", i)));
    for (const std::unique_ptr<Member>& one : others) TakeAll(*one);
    TakeAll(*bob);
  }
  ASSERT_TRUE(ada->is_cut_off());
  EXPECT_EQ(link_.passed.back(), "dada");
  EXPECT_EQ(link_.passed[link_.passed.size() - 2], absl::StrCat("a", others.back()->name()));
}

TEST_F(LinkedRoomTest, NameThatIsTakenAwayBeforeItsMemberSitsIsNotIts) {
  link_.up = true;
  const std::unique_ptr<Member> ada = room_.NewMember();
  ASSERT_TRUE(ada->Join("ada").ok());
  room_.AnswerClaim(1, true);  // The link is down;
  room_.TakeAway("ada");       // it is up again, and the name is another server's.
  std::optional<absl::Status> answer = ada->PollAnswer();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(absl::IsAlreadyExists(*answer));
  EXPECT_EQ(ada->name(), "");
  // It may try again.
  ASSERT_TRUE(ada->Join("ada").ok());
  EXPECT_FALSE(ada->PollAnswer().has_value());
  room_.AnswerClaim(2, true);
  answer = ada->PollAnswer();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->ok());
  EXPECT_EQ(ada->name(), "ada");
}

TEST_F(LinkedRoomTest, CommandThatTheLinkHasNoRoomForIsAnswered) {
  const std::unique_ptr<Member> ada = Join(room_, "ada");
  TakeAll(*ada);
  link_.up = true;
  ada->Execute("/to bob psst");
  EXPECT_EQ(TakeAll(*ada), "") << "the link answers";
  link_.full = true;
  for (const char* const command : {"/to bob psst", "/kick bob"}) {
    ada->Execute(command);
    EXPECT_EQ(TakeAll(*ada),
              "ERR 503 nobody on this server has that name, and too much waits for the others; try again later\n");
  }
}

TEST_F(LinkedRoomTest, WhatOtherServersSayWakesTheMembersOnce) {
  const std::unique_ptr<Member> ada = Join(room_, "ada");
  TakeAll(*ada);
  CountingWaker waker;
  ada->Attach(&waker);
  room_.Hear({{RoomEvent::Kind::kArrive, "bob"},
              {RoomEvent::Kind::kSay, "bob", "one"},
              {RoomEvent::Kind::kSay, "bob", "two"}});
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_EQ(TakeAll(*ada), "欢迎 'bob' 进入聊天室\nbob : one\nbob : two\n");
  ada->Attach(nullptr);
}

TEST_F(LinkedRoomTest, RefusalStaysWhenTheLinkEnds) {
  link_.up = true;
  const std::unique_ptr<Member> ada = room_.NewMember(), bob = room_.NewMember();
  ASSERT_TRUE(ada->Join("ada").ok());
  ASSERT_TRUE(bob->Join("bob").ok());
  room_.AnswerClaim(1, false);
  room_.SetLink(nullptr);
  const std::optional<absl::Status> of_ada = ada->PollAnswer(), of_bob = bob->PollAnswer();
  ASSERT_TRUE(of_ada.has_value());
  EXPECT_TRUE(absl::IsAlreadyExists(*of_ada));
  ASSERT_TRUE(of_bob.has_value());
  EXPECT_TRUE(of_bob->ok()) << "nobody is left to ask";
}

TEST(LocalRoomTest, AllHearTheSameOrder) {
  constexpr int kSpeakers = 4, kMessages = 500;
  LocalRoom room("admin");
  const std::unique_ptr<Member> ada = Join(room, "ada"), bob = Join(room, "bob");
  std::vector<std::thread> speakers;
  for (int i = 0; i < kSpeakers; ++i) {
    speakers.emplace_back([&room, i] {
      const std::unique_ptr<Member> speaker = Join(room, absl::StrCat("speaker", i));
      for (int k = 0; k < kMessages; ++k) speaker->Say(absl::StrCat(k));
    });
  }
  for (std::thread& speaker : speakers) speaker.join();
  const std::string heard = TakeAll(*ada);
  EXPECT_EQ(heard, absl::StrCat("欢迎 'bob' 进入聊天室\n", TakeAll(*bob)));
  for (int i = 0; i < kSpeakers; ++i) {
    size_t at = 0;
    for (int k = 0; k < kMessages; ++k) {
      at = heard.find(absl::StrCat("speaker", i, " : ", k, "\n"), at);
      ASSERT_NE(at, std::string::npos) << "speaker " << i << ", message " << k;
    }
  }
}

}  // namespace
}  // namespace polyserve
