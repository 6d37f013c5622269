// ScheduledClients against servers that answer as they like: which request comes on which connection, when, and what
// counts if it gets no reply.
#include "client/load/scheduled_clients.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/load/fake_server.h"
#include "client/load/generator.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/schedule.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

using testing::PrintToString;
// For what would otherwise hang a test that fails.
constexpr std::chrono::seconds kPatience(10);

using Behaviour = ScheduledClients::Behaviour;

constexpr char kReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// What a server has heard: for each connection the paths of its requests.
class Heard {
 public:
  // Serves a connection: answers each request rightly, until the client closes.
  void Serve(int fd) {
    const size_t connection = Add();
    for (std::string head; !(head = HearHead(fd)).empty();) {
      Note(connection, head);
      Say(fd, kReply);
    }
  }
  size_t Add() {
    const std::lock_guard lock(mutex_);
    paths_.emplace_back();
    return paths_.size() - 1;
  }
  void Note(size_t connection, absl::string_view head) {
    const std::lock_guard lock(mutex_);
    const size_t begin = head.find(' ') + 1;
    paths_[connection].emplace_back(head.substr(begin, head.find(' ', begin) - begin));
  }
  // Sorted by their first requests: who is served first is the scheduler's choice.
  std::vector<std::vector<std::string>> paths() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::vector<std::string>> sorted = paths_;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::vector<std::string>> paths_;
};

using Paths = std::vector<std::vector<std::string>>;

struct Replayed {
  LoadPlan plan;
  LoadTally tally;
  std::vector<std::string> faults() const { return FaultsOf(plan, tally); }
};

// A plan that replays the table for half a second.
LoadPlan PlanFor(const Endpoint& server, const std::string& table, const Behaviour& behaviour = {}, int threads = 1) {
  std::istringstream file(table);
  absl::StatusOr<Schedule> parsed = ParseSchedule(file, server);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  parsed->length = absl::ToInt64Nanoseconds(absl::Seconds(10));  // Each request once, unless a test says otherwise.
  const auto schedule = std::make_shared<const Schedule>(*std::move(parsed));
  LoadPlan plan;
  plan.workload = "test";
  plan.to = server;
  plan.connections = static_cast<int>(schedule->clients);
  plan.threads = threads;
  plan.rate = schedule->rate();
  plan.duration = absl::Milliseconds(500);
  plan.patience = absl::Milliseconds(500);
  const auto next = std::make_shared<uint32_t>(0);
  plan.make_thread = [=](const LoadPlan& share) {
    const uint32_t first = std::exchange(*next, *next + static_cast<uint32_t>(share.connections));
    return std::make_unique<ScheduledClients>(share, schedule, first, behaviour);
  };
  return plan;
}

Replayed Replay(const Endpoint& server, const std::string& table, const Behaviour& behaviour = {}, int threads = 1) {
  Replayed run = {PlanFor(server, table, behaviour, threads), {}};
  absl::StatusOr<LoadTally> tally = RunLoad(run.plan);
  EXPECT_TRUE(tally.ok()) << tally.status();
  if (tally.ok()) run.tally = *std::move(tally);
  return run;
}

TEST(ScheduledClientsTest, EachClientHasAConnectionOfItsOwn) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run =
      Replay(server.address(), "0,GET,/1,5,a\n0.1,GET,/2,5,b\n0.2,GET,/3,5,a\n0.3,GET,/4,5,b\n0.4,GET,/5,5,a\n");
  EXPECT_EQ(heard.paths(), (Paths{{"/1", "/3", "/5"}, {"/2", "/4"}}));
  EXPECT_EQ(run.tally.due, 5u);
  EXPECT_EQ(run.tally.replies, 5u);
  EXPECT_EQ(run.faults(), std::vector<std::string>()) << PrintToString(run.faults());
}

TEST(ScheduledClientsTest, ThreadsShareTheClients) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,b\n0,GET,/3,5,c\n0,GET,/4,5,a\n", {}, 2);
  EXPECT_EQ(run.tally.replies, 4u);
  EXPECT_EQ(heard.paths().size(), 3u);
}

TEST(ScheduledClientsTest, LongSilenceEndsTheConnectionOfAClient) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  Replay(server.address(), "0,GET,/1,5,a\n0.01,GET,/2,5,a\n0.3,GET,/3,5,a\n", {.keep_alive = absl::Milliseconds(100)});
  EXPECT_EQ(heard.paths(), (Paths{{"/1", "/2"}, {"/3"}}));
}

// The other client gets its reply once the first connection has ended, although its client has nothing to ask any more.
TEST(ScheduledClientsTest, ClientClosesWhenTheSilenceIsOver) {
  std::promise<void> closed;
  std::shared_future<void> is_closed = closed.get_future().share();
  const FakeServer server([&](int fd) {
    const bool is_first = absl::StrContains(HearHead(fd), "/1 ");
    if (!is_first) is_closed.wait_for(kPatience);
    Say(fd, kReply);
    if (HearHead(fd).empty() && is_first) closed.set_value();
  });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,b\n", {.keep_alive = absl::Milliseconds(50)});
  EXPECT_EQ(run.tally.replies, 2u);
}

TEST(ScheduledClientsTest, RequestWithoutAClientComesOnANewConnection) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,\n0.1,GET,/2,5,\n");
  EXPECT_EQ(heard.paths(), (Paths{{"/1"}, {"/2"}}));
  EXPECT_EQ(run.tally.reconnections, 0u);
  EXPECT_EQ(run.faults(), std::vector<std::string>());
}

// The second request is due at 10 ms, but the reply to the first one comes when the other client has asked, at 200 ms.
TEST(ScheduledClientsTest, WaitForTheClientsOwnConnectionIsPartOfTheResponseTime) {
  std::promise<void> asked;
  std::shared_future<void> is_asked = asked.get_future().share();
  const FakeServer server([&](int fd) {
    for (std::string head; !(head = HearHead(fd)).empty();) {
      if (absl::StrContains(head, "/slow ")) is_asked.wait_for(kPatience);
      if (absl::StrContains(head, "/other ")) asked.set_value();
      Say(fd, kReply);
    }
  });
  const Replayed run = Replay(server.address(), "0,GET,/slow,5,a\n0.01,GET,/quick,5,a\n0.2,GET,/other,5,b\n");
  EXPECT_EQ(run.tally.replies, 3u);
  EXPECT_GE(run.tally.response.Quantile(0.5), 180'000'000u);  // Of /slow and /quick.
  // But /quick was sent only then.
  EXPECT_LT(run.tally.service.Quantile(0.5), run.tally.response.Quantile(0.5));
}

TEST(ScheduledClientsTest, BeginsWhereItIsTold) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n5,GET,/2,5,a\n5.1,GET,/3,5,a\n9.9,GET,/4,5,a\n",
                              {.begin = absl::Seconds(5)});
  EXPECT_EQ(heard.paths(), (Paths{{"/2", "/3"}}));
  EXPECT_EQ(run.tally.due, 2u);
}

TEST(ScheduledClientsTest, BeginsAgainAfterItsEnd) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run =
      Replay(server.address(), "0,GET,/1,5,a\n0.2,GET,/2,5,a\n9.9,GET,/3,5,a\n", {.begin = absl::Milliseconds(9'950)});
  EXPECT_EQ(heard.paths(), (Paths{{"/1", "/2"}}));
  EXPECT_EQ(run.tally.due, 2u);
}

TEST(ScheduledClientsTest, ConnectionsThatAreMadeBeforehandHaveHadAReply) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n9,GET,/2,5,b\n9,GET,/3,5,c\n", {.connects_first = true});
  EXPECT_EQ(run.tally.connected, 3);
  EXPECT_EQ(run.tally.replies, 1u);
  EXPECT_EQ(run.tally.replies_in_all, 1u) << "the first ones do not count";
  EXPECT_EQ(heard.paths(), (Paths{{"/1"}, {"/1"}, {"/1", "/1"}}));
}

// However long the rest between them: it is no silence, and the second one goes on where the first one ended.
TEST(ScheduledClientsTest, SlicesAreOneScheduleOnTheSameConnections) {
  Heard heard;
  const FakeServer server([&heard](int fd) { heard.Serve(fd); });
  const std::string table = "0,GET,/1,5,a\n0.1,GET,/2,5,a\n0.2,GET,/3,5,a\n0.25,GET,/4,5,a\n9,GET,/5,5,a\n";
  absl::StatusOr<ConnectedLoad> load =
      ConnectedLoad::Connect(PlanFor(server.address(), table, {.keep_alive = absl::Milliseconds(200)}));
  ASSERT_TRUE(load.ok()) << load.status();
  EXPECT_EQ(load->Run(absl::Milliseconds(150), std::nullopt).due, 2u);
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_EQ(load->Run(absl::Milliseconds(150), std::nullopt).due, 2u);
  EXPECT_EQ(heard.paths(), (Paths{{"/1", "/2", "/3", "/4"}}));
}

TEST(ScheduledClientsTest, WrongRepliesAreFaults) {
  for (const char* reply :
       {"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP"}) {
    const FakeServer server([reply](int fd) {
      while (!HearHead(fd).empty()) Say(fd, reply);
    });
    const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,a\n");
    EXPECT_EQ(run.tally.wrong, 2u) << reply;
    EXPECT_EQ(run.tally.unanswered, 0u) << reply;
  }
}

TEST(ScheduledClientsTest, CloseBetweenTwoRepliesIsNoFault) {
  const FakeServer server([](int fd) {
    if (!HearHead(fd).empty()) Say(fd, kReply);
  });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0.1,GET,/2,5,a\n0.1,GET,/3,5,a\n");
  EXPECT_EQ(run.tally.replies, 3u);
  EXPECT_GT(run.tally.reconnections, 0u);
  EXPECT_EQ(run.faults(), std::vector<std::string>()) << PrintToString(run.faults());
}

TEST(ScheduledClientsTest, AnnouncedCloseIsNoFault) {
  const FakeServer server([](int fd) {
    if (!HearHead(fd).empty()) Say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,a\n");
  EXPECT_EQ(run.tally.replies, 2u);
  EXPECT_EQ(run.tally.reconnections, 2u);
  EXPECT_EQ(run.faults(), std::vector<std::string>());
}

TEST(ScheduledClientsTest, CloseWithoutAReplyIsAFault) {
  const FakeServer server([](int fd) { HearHead(fd); });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,a\n");
  EXPECT_EQ(run.tally.broken, 2u);
  EXPECT_EQ(run.tally.unanswered, 2u);
  EXPECT_EQ(run.tally.response.count(), 2u) << "they count with their age";
}

TEST(ScheduledClientsTest, RequestsWithoutAReplyAreCountedAtTheEnd) {
  const FakeServer server([](int fd) {
    HearHead(fd);
    char byte;
    ::recv(fd, &byte, 1, 0);  // Until the client gives up.
  });
  const Replayed run = Replay(server.address(), "0,GET,/1,5,a\n0,GET,/2,5,a\n0,GET,/3,5,b\n");
  EXPECT_EQ(run.tally.unanswered, 3u);
  EXPECT_EQ(run.tally.overdue, 1u) << "/2 was never sent";
  EXPECT_EQ(run.tally.service.count(), 2u);
  EXPECT_EQ(run.tally.response.count(), 3u);
}

TEST(ScheduledClientsTest, ServerThatIsNotThereIsAFault) {
  FakeServer server([](int) {});
  const Endpoint address = server.address();
  server.Stop();
  const Replayed run = Replay(address, "0,GET,/1,5,a\n0,GET,/2,5,a\n");
  EXPECT_GT(run.tally.not_connected, 1u) << "it is tried again";
  EXPECT_EQ(run.tally.unanswered, 2u);
  EXPECT_EQ(run.tally.replies, 0u);
}

}  // namespace
}  // namespace polyserve
