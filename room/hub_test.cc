// The hub and its members: they are in one process here, but nothing of what they say knows that.
#include "room/hub.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "room/hub_room.h"
#include "room/room.h"

namespace polyserve {
namespace {

class HubTest : public testing::Test {
 protected:
  HubTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    input_.reset(ends[0]);
    keyboard_.reset(ends[1]);
    absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start("admin", input_.get());
    EXPECT_TRUE(hub.ok());
    hub_ = *std::move(hub);
    room_.ReachBy(hub_->TakeReception());
  }
  ~HubTest() override { room_.ReachBy(UniqueFd()); }

  std::unique_ptr<Member> Join(absl::string_view name) {
    std::unique_ptr<Member> member = room_.NewMember();
    EXPECT_TRUE(member->Join(name).ok()) << name;
    return member;
  }

  // Waits for so many messages, or until the member is cut off.
  static std::string Await(Member& member, size_t count) {
    std::string heard;
    while (count > 0) {
      if (const Message message = member.Next()) {
        heard += *message;
        --count;
        continue;
      }
      if (member.is_cut_off()) break;
      pollfd mail = {member.fd(), POLLIN, 0};
      ::poll(&mail, 1, -1);
      member.Collect();
    }
    return heard;
  }

  void KillHub() {
    ::kill(hub_->process().pid(), SIGKILL);
    EXPECT_TRUE(hub_->process().Join(absl::InfiniteDuration()));
  }

  UniqueFd input_, keyboard_;
  std::unique_ptr<Hub> hub_;
  HubRoom room_{"admin"};
};

TEST_F(HubTest, MembersHearEachOtherAndTheOperator) {
  const std::unique_ptr<Member> ada = Join("ada");
  std::unique_ptr<Member> bob = Join("bob");
  EXPECT_EQ(Await(*ada, 1), "欢迎 'bob' 进入聊天室\n");
  bob->Say("one");
  bob->Say("two");
  EXPECT_EQ(Await(*ada, 2), "bob : one\nbob : two\n");
  EXPECT_EQ(::write(keyboard_.get(), "tea\n", 4), 4);
  EXPECT_EQ(Await(*ada, 1), "admin : tea\n");
  EXPECT_EQ(Await(*bob, 1), "admin : tea\n");
  bob = nullptr;
  EXPECT_EQ(Await(*ada, 1), "'bob' 退出聊天室\n");
}

TEST_F(HubTest, NamesAreKeptApartAndGivenBack) {
  const std::unique_ptr<Member> ada = Join("ada"), other = room_.NewMember();
  EXPECT_TRUE(absl::IsAlreadyExists(other->Join("ada")));
  EXPECT_TRUE(absl::IsPermissionDenied(other->Join("theadmin")));
  EXPECT_TRUE(absl::IsInvalidArgument(other->Join("")));
  other->Say("not heard");
  ada->Leave();
  EXPECT_TRUE(other->Join("ada").ok());
  EXPECT_TRUE(ada->Join("bob").ok());
  EXPECT_EQ(Await(*other, 1), "欢迎 'bob' 进入聊天室\n");
}

TEST_F(HubTest, WhatWasSaidBeforeLeavingIsThereAndNothingAfterwards) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  for (int i = 0; i < 100; ++i) ada->Say(absl::StrCat(i));
  ada->Leave();  // Answered, so the hub has heard all that.
  bob->Leave();
  Join("carl")->Say("after");
  std::string heard;
  while (const Message message = bob->Next()) heard += *message;
  EXPECT_TRUE(absl::StrContains(heard, "ada : 99\n"));
  bob->Collect();
  EXPECT_EQ(bob->Next(), nullptr);
}

// A socket that is closed with something unread tells its peer of a reset before what was sent on it, and takes nothing.
TEST_F(HubTest, WhatWasSaidByOneWhoHearsNothingAnyMoreIsThere) {
  constexpr int kLines = 100;  // More than the hub takes in one turn.
  const std::unique_ptr<Member> ada = Join("ada");
  std::unique_ptr<Member> bob = Join("bob");
  EXPECT_EQ(Await(*ada, 1), "欢迎 'bob' 进入聊天室\n");
  ada->Say("unread");
  pollfd mail = {bob->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&mail, 1, -1), 1);
  ::kill(hub_->process().pid(), SIGSTOP);
  ada->Say("for nobody");
  std::string said;
  for (int i = 0; i < kLines; ++i) {
    bob->Say(absl::StrCat(i));
    absl::StrAppend(&said, "bob : ", i, "\n");
  }
  bob = nullptr;
  ::kill(hub_->process().pid(), SIGCONT);
  EXPECT_EQ(Await(*ada, kLines + 1), absl::StrCat(said, "'bob' 退出聊天室\n"));
}

TEST_F(HubTest, FloodArrivesInOrder) {
  constexpr int kMessages = 20000;
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  Await(*ada, 1);
  int heard = 0;
  for (int i = 0; i < kMessages; ++i) {
    bob->Say(absl::StrCat(i));
    ada->Collect();
    for (Message message; (message = ada->Next()) != nullptr; ++heard) {
      ASSERT_EQ(*message, absl::StrCat("bob : ", heard, "\n"));
    }
  }
  for (; heard < kMessages; ++heard) ASSERT_EQ(Await(*ada, 1), absl::StrCat("bob : ", heard, "\n"));
}

TEST_F(HubTest, WhoNeverCollectsIsCutOffAndTheOthersHearIt) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob"), deaf = Join("deaf");
  Await(*ada, 2);
  const std::string text(1000, 'x');
  bool has_left = false;
  for (int i = 0; i < 10000 && !has_left; ++i) {
    bob->Say(text);
    std::string heard = Await(*ada, 1);
    has_left = heard == "'deaf' 退出聊天室\n";
    if (has_left) heard = Await(*ada, 1);
    ASSERT_EQ(heard, absl::StrCat("bob : ", text, "\n"));
    bob->Collect();
    while (bob->Next() != nullptr) {
    }
  }
  EXPECT_TRUE(has_left);
  EXPECT_TRUE(room_.NewMember()->Join("deaf").ok());
  for (int i = 0; i < 10000 && !deaf->is_cut_off(); ++i) deaf->Collect();
  EXPECT_TRUE(deaf->is_cut_off());
}

TEST_F(HubTest, KilledHubCutsOffAllAndRefusesTheRest) {
  const std::unique_ptr<Member> ada = Join("ada"), quiet = room_.NewMember();
  KillHub();
  Await(*ada, 1);
  EXPECT_TRUE(ada->is_cut_off());
  ada->Say("nobody hears this");
  ada->Leave();
  EXPECT_TRUE(absl::IsUnavailable(quiet->Join("quiet")));
  const std::unique_ptr<Member> late = room_.NewMember();
  EXPECT_LT(late->fd(), 0);
  EXPECT_TRUE(absl::IsUnavailable(late->Join("late")));
}

TEST_F(HubTest, EndsWhenNobodyHoldsTheReception) {
  const std::unique_ptr<Member> ada = Join("ada");
  room_.ReachBy(UniqueFd());
  EXPECT_TRUE(hub_->process().Join(absl::InfiniteDuration()));
}

}  // namespace
}  // namespace polyserve
