// ImpatientClients against servers that answer, refuse, or are silent: what counts as a reply, what is tried again, and
// how often.
#include "client/load/impatient_clients.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/exchange.h"
#include "client/load/fake_server.h"
#include "client/load/generator.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

using Retry = Impatience::Retry;

// Reads the request, all of its one line; false if the client closes first.
bool HearLine(int fd) {
  for (char byte = 0; byte != '\n';) {
    if (::read(fd, &byte, 1) != 1) return false;
  }
  return true;
}

// Until the client closes.
void HearEnd(int fd) {
  for (char byte; ::read(fd, &byte, 1) == 1;) {
  }
}

// A load of some twenty requests, at equal distances, each of which is answered by "OK\n".
LoadPlan PlanFor(const Endpoint& server, const Impatience& impatience) {
  LoadPlan plan;
  plan.workload = "test";
  plan.to = server;
  plan.connections = 50;
  plan.rate = 100;
  plan.arrivals = Arrivals::Kind::kFixed;
  plan.duration = absl::Milliseconds(200);
  plan.impatience = impatience;
  plan.make_exchange = [] {
    return std::make_unique<FixedExchange>(std::make_shared<const std::string>("ask\n"),
                                           std::make_shared<const std::string>("OK\n"));
  };
  plan.make_thread = [](const LoadPlan& share) { return std::make_unique<ImpatientClients>(share); };
  return plan;
}

LoadTally Load(const LoadPlan& plan) {
  absl::StatusOr<LoadTally> tally = RunLoad(plan);
  EXPECT_TRUE(tally.ok()) << tally.status();
  EXPECT_GE(tally->due, 10u);
  return *std::move(tally);
}

// For replies that come: nobody gives up on a busy machine.
constexpr absl::Duration kLong = absl::Seconds(10);
// For replies that do not.
constexpr absl::Duration kShort = absl::Milliseconds(10);

TEST(ImpatientClientsTest, RepliesInTimeCountAndEachTryHasAConnection) {
  std::atomic<uint64_t> connections = 0;
  const FakeServer server([&connections](int fd) {
    if (!HearLine(fd)) return;  // The look whether there is a server.
    ++connections;
    Say(fd, "OK\n");
    HearEnd(fd);
  });
  const LoadPlan plan = PlanFor(server.address(), {kLong});
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.replies_in_all, tally.due);
  EXPECT_EQ(tally.tries, tally.due);
  EXPECT_EQ(connections, tally.due);
  EXPECT_EQ(tally.failed, 0u);
  EXPECT_EQ(tally.response.count(), tally.due);
  EXPECT_TRUE(FaultsOf(plan, tally).empty());
}

TEST(ImpatientClientsTest, ClientGivesUpAndItsRequestHasFailed) {
  const FakeServer server([](int fd) { HearEnd(fd); });
  const LoadTally tally = Load(PlanFor(server.address(), {kShort}));
  EXPECT_EQ(tally.replies, 0u);
  EXPECT_EQ(tally.gave_up, tally.due);
  EXPECT_EQ(tally.failed, tally.due);
  EXPECT_EQ(tally.unanswered, 0u) << "that would be a fault";
  EXPECT_EQ(tally.response.count(), tally.due) << "with their age";
}

TEST(ImpatientClientsTest, TriesAgainAsOftenAsItMay) {
  for (const Retry retry : {Retry::kAtOnce, Retry::kBackOff}) {
    const FakeServer server([](int fd) { HearEnd(fd); });
    const LoadTally tally = Load(PlanFor(server.address(), {kShort, retry, 3}));
    EXPECT_EQ(tally.tries, 3 * tally.due);
    EXPECT_EQ(tally.gave_up, tally.tries);
    EXPECT_EQ(tally.failed, tally.due);
  }
}

TEST(ImpatientClientsTest, RefusalEndsATryAtOnceHoweverItIsSliced) {
  const FakeServer server([](int fd) {
    if (!HearLine(fd)) return;
    Say(fd, "E");
    Say(fd, "RR 50");
    Say(fd, "3 too much to do\n");
  });
  const LoadTally tally = Load(PlanFor(server.address(), {kLong, Retry::kAtOnce, 2}));
  EXPECT_EQ(tally.refused, 2 * tally.due);
  EXPECT_EQ(tally.gave_up, 0u);
  EXPECT_EQ(tally.wrong, 0u);
  EXPECT_EQ(tally.failed, tally.due);
}

TEST(ImpatientClientsTest, CloseWithoutAWordIsARefusalAndTheNextTryMayBeAnswered) {
  std::atomic<uint64_t> asked = 0;
  const FakeServer server([&asked](int fd) {
    if (!HearLine(fd) || ++asked % 2 == 1) return;
    Say(fd, "OK\n");
    HearEnd(fd);
  });
  LoadPlan plan = PlanFor(server.address(), {kLong, Retry::kAtOnce, 1000});
  plan.connections = 1;  // One try at a time, so that each request is refused once.
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.replies_in_all, tally.due);
  EXPECT_EQ(tally.tries, 2 * tally.due);
  EXPECT_EQ(tally.refused, tally.due);
  EXPECT_EQ(tally.failed, 0u);
}

TEST(ImpatientClientsTest, ServerThatIsGoneIsAFaultAndNoRefusal) {
  const UniqueFd listener = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  const Endpoint address = *Endpoint::OfSocket(listener.get());
  const LoadPlan plan = [&] {
    LoadPlan made = PlanFor(address, {kLong});
    // It ends once the look whether there is a server has found it, before the first request.
    made.make_thread = [&listener](const LoadPlan& share) {
      class Late : public ImpatientClients {
       public:
        Late(const LoadPlan& own, int fd) : ImpatientClients(own), fd_(fd) {}
        absl::Status Connect() override {
          absl::Status status = ImpatientClients::Connect();
          ::shutdown(fd_, SHUT_RDWR);
          return status;
        }

       private:
        const int fd_;
      };
      return std::make_unique<Late>(share, listener.get());
    };
    return made;
  }();
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.replies, 0u);
  EXPECT_EQ(tally.not_connected, tally.due);
  EXPECT_FALSE(FaultsOf(plan, tally).empty());
}

// The thread has other things to do until the reply has come, and its time is over.
TEST(ImpatientClientsTest, ReplyThatIsLookedAtTooLateIsNotInTime) {
  static std::atomic<int> halves = 0;  // Of replies that have come.
  class SlowExchange : public FixedExchange {
   public:
    using FixedExchange::FixedExchange;
    Reply Take(absl::string_view& bytes) override {
      const Reply reply = FixedExchange::Take(bytes);
      ++halves;
      if (reply == Reply::kIncomplete) absl::SleepFor(2 * kShort);
      return reply;
    }
  };
  const FakeServer server([](int fd) {
    if (!HearLine(fd)) return;
    const int before = halves;
    Say(fd, "O");
    for (char byte; halves == before && ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    Say(fd, "K\n");
    HearEnd(fd);
  });
  LoadPlan plan = PlanFor(server.address(), {kShort});
  plan.connections = 1;  // One try at a time.
  plan.make_exchange = [] {
    return std::make_unique<SlowExchange>(std::make_shared<const std::string>("ask\n"),
                                          std::make_shared<const std::string>("OK\n"));
  };
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.replies_in_all, 0u);
  EXPECT_EQ(tally.gave_up, tally.due);
}

// The thread has other things to do until the load is over. The clients come all the same.
TEST(ImpatientClientsTest, WhatIsDueWhileTheThreadIsHeldUpIsAsked) {
  class SlowExchange : public FixedExchange {
   public:
    explicit SlowExchange(std::shared_ptr<bool> has_slept)
        : FixedExchange(std::make_shared<const std::string>("ask\n"), std::make_shared<const std::string>("OK\n")),
          has_slept_(std::move(has_slept)) {}
    absl::string_view Ask() override {
      if (!std::exchange(*has_slept_, true)) absl::SleepFor(absl::Milliseconds(300));
      return FixedExchange::Ask();
    }

   private:
    const std::shared_ptr<bool> has_slept_;
  };
  const FakeServer server([](int fd) {
    if (!HearLine(fd)) return;
    Say(fd, "OK\n");
    HearEnd(fd);
  });
  LoadPlan plan = PlanFor(server.address(), {kLong});
  plan.make_exchange = [has_slept = std::make_shared<bool>()] { return std::make_unique<SlowExchange>(has_slept); };
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.due, 20u);
  EXPECT_EQ(tally.replies_in_all, 20u);
}

TEST(ImpatientClientsTest, WrongReplyIsNoRefusalAndNotTriedAgain) {
  const FakeServer server([](int fd) {
    if (HearLine(fd)) Say(fd, "ERR 500 sorry\n");
  });
  const LoadPlan plan = PlanFor(server.address(), {kLong, Retry::kAtOnce, 3});
  const LoadTally tally = Load(plan);
  EXPECT_EQ(tally.wrong, tally.due);
  EXPECT_EQ(tally.tries, tally.due);
  EXPECT_FALSE(FaultsOf(plan, tally).empty());
}

TEST(ImpatientClientsTest, RefusalsAreKnownByTheirFirstWords) {
  EXPECT_EQ(JudgeReply("HTTP/1.1 503 Service Unavailable\r\n"), Verdict::kRefusal);
  EXPECT_EQ(JudgeReply("ERR 503 too much to do\n"), Verdict::kRefusal);
  EXPECT_EQ(JudgeReply("HTTP/1.1 50"), Verdict::kMayBecomeOne);
  EXPECT_EQ(JudgeReply(""), Verdict::kMayBecomeOne);
  EXPECT_EQ(JudgeReply("HTTP/1.1 200 OK\r\n"), Verdict::kNone);
  EXPECT_EQ(JudgeReply("ERR 500 sorry\n"), Verdict::kNone);
}

TEST(ImpatientClientsTest, BackOffDoublesUpToABound) {
  const Impatience backs_off = {absl::Seconds(1), Retry::kBackOff, 100};
  EXPECT_EQ(WaitBeforeTry(backs_off, 1, 0.5), LoadThread::kSecond / 2);
  EXPECT_EQ(WaitBeforeTry(backs_off, 2, 0.5), LoadThread::kSecond);
  EXPECT_EQ(WaitBeforeTry(backs_off, 3, 0.5), 2 * LoadThread::kSecond);
  EXPECT_EQ(WaitBeforeTry(backs_off, 100, 0.5), WaitBeforeTry(backs_off, 50, 0.5));
  EXPECT_EQ(WaitBeforeTry(backs_off, 3, 0), 0);
  EXPECT_EQ(WaitBeforeTry({absl::Seconds(1), Retry::kAtOnce, 100}, 3, 0.5), 0);
}

}  // namespace
}  // namespace polyserve
