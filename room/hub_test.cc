// The hub and its members. They are in one process here, which none of them can tell.
#include "room/hub.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
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
    absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start("admin", RoomLimits(), input_.get());
    EXPECT_TRUE(hub.ok());
    hub_ = *std::move(hub);
    room_.ReachBy(hub_->TakeJoinFd());
  }
  ~HubTest() override { room_.ReachBy(UniqueFd()); }

  std::unique_ptr<Member> Join(absl::string_view name) {
    std::unique_ptr<Member> member = room_.NewMember();
    EXPECT_TRUE(Answer(*member, member->Join(name)).ok()) << name;
    return member;
  }

  // What the room answers in the end.
  static absl::Status Answer(Member& member, absl::Status status) {
    while (status.ok() && member.awaits_answer()) {
      if (const std::optional<absl::Status> answer = member.PollAnswer()) return *answer;
      ::poll(nullptr, 0, 1);
    }
    return status;
  }
  static absl::Status TryJoin(Member& member, absl::string_view name) { return Answer(member, member.Join(name)); }
  static void Leave(Member& member) {
    member.Leave();
    Answer(member, absl::OkStatus()).IgnoreError();
  }

  // Says it, when it may.
  static void Say(Member& member, absl::string_view text) {
    while (!member.may_command()) ::poll(nullptr, 0, 1);
    member.Say(text);
  }

  // Has all that it has said reach the hub, which may have had no room for it.
  static void SayAll(Member& member) {
    while (!member.has_said_all()) ::poll(nullptr, 0, 1);
  }

  // The keeper's child; -1 while there is none.
  pid_t hub_pid() const {
    const pid_t keeper = hub_->process().pid();
    std::ifstream children(absl::StrCat("/proc/", keeper, "/task/", keeper, "/children"));
    pid_t pid = -1;
    return children >> pid ? pid : -1;
  }

  // Waits for this many messages, or until the member is cut off.
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

  void KillHub() const {
    const pid_t pid = hub_pid();
    ASSERT_GT(pid, 0);
    ::kill(pid, SIGKILL);
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
  EXPECT_TRUE(absl::IsAlreadyExists(TryJoin(*other, "ada")));
  EXPECT_TRUE(absl::IsPermissionDenied(TryJoin(*other, "theadmin")));
  EXPECT_TRUE(absl::IsInvalidArgument(TryJoin(*other, "")));
  other->Say("not heard");
  Leave(*ada);
  EXPECT_TRUE(TryJoin(*other, "ada").ok());
  EXPECT_TRUE(TryJoin(*ada, "bob").ok());
  EXPECT_EQ(Await(*other, 1), "欢迎 'bob' 进入聊天室\n");
}

TEST_F(HubTest, WhatWasSaidBeforeLeavingIsThereAndNothingAfterwards) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  for (int i = 0; i < 100; ++i) ada->Say(absl::StrCat(i));
  Leave(*ada);  // Answered, so the hub has heard all that.
  Leave(*bob);
  Join("carl")->Say("after");
  std::string heard;
  while (const Message message = bob->Next()) heard += *message;
  EXPECT_TRUE(absl::StrContains(heard, "ada : 99\n"));
  bob->Collect();
  EXPECT_EQ(bob->Next(), nullptr);
}

// A socket that is closed with something unread tells its peer of a reset before what was sent on it, and takes
// nothing.
TEST_F(HubTest, WhatWasSaidByOneWhoHearsNothingAnyMoreIsThere) {
  constexpr int kLines = 100;  // More than the hub takes in one turn.
  const std::unique_ptr<Member> ada = Join("ada");
  std::unique_ptr<Member> bob = Join("bob");
  EXPECT_EQ(Await(*ada, 1), "欢迎 'bob' 进入聊天室\n");
  ada->Say("unread");
  pollfd mail = {bob->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&mail, 1, -1), 1);
  ::kill(hub_pid(), SIGSTOP);
  ada->Say("for nobody");
  std::string said;
  for (int i = 0; i < kLines; ++i) {
    bob->Say(absl::StrCat(i));
    absl::StrAppend(&said, "bob : ", i, "\n");
  }
  bob = nullptr;
  ::kill(hub_pid(), SIGCONT);
  EXPECT_EQ(Await(*ada, kLines + 1), absl::StrCat(said, "'bob' 退出聊天室\n"));
}

TEST_F(HubTest, FloodArrivesInOrder) {
  constexpr int kMessages = 20000;
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  Await(*ada, 1);
  int heard = 0;
  for (int i = 0; i < kMessages; ++i) {
    Say(*bob, absl::StrCat(i));
    ada->Collect();
    for (Message message; (message = ada->Next()) != nullptr; ++heard) {
      ASSERT_EQ(*message, absl::StrCat("bob : ", heard, "\n"));
    }
  }
  for (; heard < kMessages; ++heard) ASSERT_EQ(Await(*ada, 1), absl::StrCat("bob : ", heard, "\n"));
}

TEST_F(HubTest, WhatIsSaidCorkedComesAsOnePacket) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  Await(*ada, 1);
  bob->Cork();
  bob->Say("one");
  bob->Execute("/to ada two");
  bob->Say("three");
  bob->Uncork();
  pollfd mail = {ada->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&mail, 1, -1), 1);
  char packet[100];
  const ssize_t size = ::recv(ada->fd(), packet, sizeof(packet), 0);
  EXPECT_EQ(std::string(packet, static_cast<size_t>(std::max<ssize_t>(size, 0))),
            "Mbob : one\nbob -> ada : two\nbob : three\n");
}

TEST_F(HubTest, CorkedFloodArrivesInOrderAndLeavingComesBehindIt) {
  constexpr int kMessages = 2000;
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  Await(*ada, 1);
  bob->Cork();
  for (int i = 0; i < kMessages; ++i) Say(*bob, absl::StrCat(i, std::string(100, 'x')));
  Leave(*bob);
  bob->Uncork();
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(Await(*ada, 1), absl::StrCat("bob : ", i, std::string(100, 'x'), "\n"));
  }
  EXPECT_EQ(Await(*ada, 1), "'bob' 退出聊天室\n");
}

TEST_F(HubTest, CorkedMemberOfAStoppedHubHoldsLittle) {
  const std::unique_ptr<Member> ada = Join("ada");
  ::kill(hub_pid(), SIGSTOP);
  ada->Cork();
  int said = 0;
  for (; said < 100'000 && ada->may_command(); ++said) ada->Say(std::string(kMaxTextBytes, 'x'));
  EXPECT_LT(said, 100'000) << "its next command has to wait";
  ada->Uncork();
  EXPECT_FALSE(ada->has_said_all());
  ::kill(hub_pid(), SIGCONT);
}

TEST_F(HubTest, AnswerToALeaveThatTheHubHadNoRoomForIsNotThatToALaterJoin) {
  const std::unique_ptr<Member> bob = Join("bob"), ada = Join("ada");
  const pid_t hub = hub_pid();
  ::kill(hub, SIGSTOP);
  while (ada->may_command()) ada->Say("x");
  ada->Leave();
  EXPECT_TRUE(ada->awaits_answer());
  ::kill(hub, SIGCONT);
  EXPECT_EQ(Answer(*ada, absl::OkStatus()), absl::OkStatus());
  EXPECT_EQ(ada->name(), "");
  EXPECT_TRUE(absl::IsAlreadyExists(TryJoin(*ada, "bob")));
  EXPECT_EQ(ada->name(), "");
  EXPECT_TRUE(TryJoin(*ada, "carl").ok());
}

TEST_F(HubTest, LeaveThatAStoppedHubHasNoRoomForIsAwaitedNoLongerThanAnyAnswer) {
  const std::unique_ptr<Member> ada = Join("ada");
  const pid_t hub = hub_pid();
  ::kill(hub, SIGSTOP);
  while (ada->may_command()) ada->Say("x");
  ada->Leave();
  EXPECT_TRUE(absl::IsUnavailable(Answer(*ada, absl::OkStatus())));
  EXPECT_TRUE(absl::IsUnavailable(TryJoin(*ada, "ada"))) << "it is lost for good";
  ::kill(hub, SIGCONT);
}

TEST_F(HubTest, WhoNeverCollectsIsCutOffAndTheOthersHearIt) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob"), deaf = Join("deaf");
  Await(*ada, 2);
  const std::string text(1000, 'x');
  bool has_left = false;
  for (int i = 0; i < 10000 && !has_left; ++i) {
    Say(*bob, text);
    std::string heard = Await(*ada, 1);
    has_left = heard == "'deaf' 退出聊天室\n";
    if (has_left) heard = Await(*ada, 1);
    ASSERT_EQ(heard, absl::StrCat("bob : ", text, "\n"));
    bob->Collect();
    while (bob->Next() != nullptr) {
    }
  }
  EXPECT_TRUE(has_left);
  EXPECT_TRUE(TryJoin(*room_.NewMember(), "deaf").ok());
  for (int i = 0; i < 10000 && !deaf->is_cut_off(); ++i) deaf->Collect();
  EXPECT_TRUE(deaf->is_cut_off());
}

TEST_F(HubTest, KilledHubCutsOffItsMembersAndAnotherOneTakesTheNext) {
  std::unique_ptr<Member> ada = Join("ada");
  const std::unique_ptr<Member> quiet = room_.NewMember();
  EXPECT_TRUE(absl::IsAlreadyExists(TryJoin(*room_.NewMember(), "ada")));
  KillHub();
  Await(*ada, 1);
  EXPECT_TRUE(ada->is_cut_off());
  EXPECT_TRUE(ada->has_lost_room());
  ada->Say("nobody hears this");
  ada->Leave();
  EXPECT_TRUE(TryJoin(*quiet, "quiet").ok()) << "it waits for the next hub, and has not been known to the old one";
  ada = Join("ada");
  EXPECT_EQ(Await(*quiet, 1), "欢迎 'ada' 进入聊天室\n");
  EXPECT_EQ(::write(keyboard_.get(), "tea\n", 4), 4);
  EXPECT_EQ(Await(*ada, 1), "admin : tea\n");
}

// Nothing waits for it, and what is due to it is bounded.
TEST_F(HubTest, StoppedHubKeepsNobodyWaiting) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob"), carl = room_.NewMember();
  const pid_t hub = hub_pid();
  ::kill(hub, SIGSTOP);
  int said = 0;
  for (; said < 100'000 && ada->may_command(); ++said) ada->Say(std::string(kMaxTextBytes, 'x'));
  EXPECT_GT(said, 1);
  EXPECT_LT(said, 100'000) << "its next command has to wait";
  EXPECT_TRUE(carl->Join("carl").ok());
  EXPECT_TRUE(carl->awaits_answer());
  EXPECT_EQ(carl->PollAnswer(), std::nullopt);
  std::vector<std::unique_ptr<Member>> crowd;
  absl::Status status;
  while (status.ok() && crowd.size() < 5000) {
    crowd.push_back(room_.NewMember());
    status = crowd.back()->Join(absl::StrCat("m", crowd.size()));
  }
  EXPECT_TRUE(absl::IsUnavailable(status)) << "the queue of those who want to join is bounded";
  bob->Leave();
  EXPECT_TRUE(absl::IsUnavailable(Answer(*carl, absl::OkStatus()))) << "in the end it is told";
  crowd.clear();
  ::kill(hub, SIGCONT);
  std::unique_ptr<Member> again = room_.NewMember();
  while (!TryJoin(*again, "carl").ok()) again = room_.NewMember();  // The hub keeps no member that has no session.
}

TEST_F(HubTest, StoppedHubOutlivesNobody) {
  const std::unique_ptr<Member> ada = Join("ada");
  const pid_t hub = hub_pid();
  ::kill(hub, SIGSTOP);
  room_.ReachBy(UniqueFd());
  hub_ = nullptr;
  EXPECT_NE(::kill(hub, 0), 0);
}

TEST_F(HubTest, WhoReadsLateHoldsLittleHere) {
  const std::unique_ptr<Member> ada = Join("ada"), late = Join("late");
  constexpr int kMessages = 500;
  const std::string text(1000, 'x');
  for (int i = 0; i < kMessages; ++i) {
    Say(*ada, text);
    late->Collect();
    ASSERT_LT(late->waiting_bytes(), 128u * 1024);
  }
  while (!ada->has_said_all()) ::poll(nullptr, 0, 1);  // The hub may have had no room for the last one.
  const std::string line = absl::StrCat("ada : ", text, "\n");
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(Await(*late, 1), line);
}

TEST_F(HubTest, PrivateWordsReachOneMemberAlone) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob"), carl = Join("carl");
  Await(*ada, 2);
  ada->Execute("/to bob a secret");
  ada->Execute("/to dora a secret");
  EXPECT_EQ(Await(*ada, 1), "ERR 404 nobody in the room has that name\n");
  ada->Say("for all");
  EXPECT_EQ(Await(*carl, 1), "ada : for all\n");
  EXPECT_EQ(Await(*bob, 3), "欢迎 'carl' 进入聊天室\nada -> bob : a secret\nada : for all\n");
}

TEST_F(HubTest, KickedMemberLearnsWhy) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob"), carl = Join("carl");
  Await(*ada, 2);
  ada->Execute("/kick bob he floods");
  EXPECT_EQ(Await(*ada, 2), "'bob' 退出聊天室\n'bob' (-) was kicked by ada: he floods\n");
  Await(*bob, 99);
  EXPECT_TRUE(bob->is_cut_off());
  EXPECT_EQ(bob->eviction(), "kicked by ada: he floods");
  EXPECT_FALSE(bob->has_lost_room());
  ASSERT_EQ(::write(keyboard_.get(), "/kick carl\n", 11), 11);
  Await(*carl, 99);
  EXPECT_EQ(carl->eviction(), "kicked by admin");
}

// What the hub has not read when it closes the socket tells the other side of a reset, before the reason.
TEST_F(HubTest, KickedMemberThatFloodsLearnsWhy) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = Join("bob");
  Await(*ada, 1);
  const pid_t hub = hub_pid();
  ::kill(hub, SIGSTOP);
  ada->Execute("/kick bob");
  for (int i = 0; i < 100'000 && bob->may_command(); ++i) bob->Say(std::string(1000, 'x'));
  ::kill(hub, SIGCONT);
  while (!bob->is_cut_off()) {
    Await(*bob, 1);
  }
  EXPECT_EQ(bob->eviction(), "kicked by ada");
}

TEST_F(HubTest, BannedMemberLearnsForHowLong) {
  const std::unique_ptr<Member> ada = Join("ada"), bob = room_.NewMember();
  bob->set_address("192.0.2.7");
  EXPECT_TRUE(TryJoin(*bob, "bob").ok());
  Await(*ada, 1);
  ada->Execute("/ban 192.0.2.7 5");
  Await(*bob, 99);
  EXPECT_EQ(bob->eviction(), "banned by ada for 5 minutes");
  const std::unique_ptr<Member> again = room_.NewMember(), elsewhere = room_.NewMember();
  again->set_address("192.0.2.7");
  const absl::Status status = TryJoin(*again, "ben");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(), "banned from the room for 5 more minutes");
  elsewhere->set_address("192.0.2.8");
  EXPECT_TRUE(TryJoin(*elsewhere, "bob").ok());
}

// More of it than a process collects of one member's mail: the answer to the join comes before it.
TEST_F(HubTest, HistoryComesBehindTheAnswer) {
  constexpr int kLines = 200;
  HubRoom room("admin");
  absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start("admin", RoomLimits{.history_lines = kLines}, input_.get());
  ASSERT_TRUE(hub.ok());
  room.ReachBy((*hub)->TakeJoinFd());
  const std::unique_ptr<Member> ada = room.NewMember(), bob = room.NewMember();
  EXPECT_TRUE(TryJoin(*ada, "ada").ok());
  const std::string text(1000, 'x');
  for (int i = 0; i < kLines + 1; ++i) Say(*ada, text);
  SayAll(*ada);
  ada->Execute("/to ada done");
  SayAll(*ada);
  EXPECT_EQ(Await(*ada, 1), "ada -> ada : done\n") << "the hub has heard all";
  EXPECT_TRUE(TryJoin(*bob, "bob").ok());
  const std::string line = absl::StrCat("ada : ", text, "\n");
  for (int i = 0; i < kLines; ++i) ASSERT_EQ(Await(*bob, 1), line);
  room.ReachBy(UniqueFd());
}

TEST_F(HubTest, EndsWhenNobodyHoldsTheReception) {
  const std::unique_ptr<Member> ada = Join("ada");
  room_.ReachBy(UniqueFd());
  EXPECT_TRUE(hub_->process().Join(absl::InfiniteDuration()));
}

}  // namespace
}  // namespace polyserve
