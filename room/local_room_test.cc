// LocalRoom: which members hear what, and what happens to members that do not read.
#include "room/local_room.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

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
