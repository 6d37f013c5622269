// The crowd in a room that does not deliver what it should: nothing of it may pass.
#include "client/load/chat_crowd.h"

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/generator.h"
#include "client/load/plan.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

constexpr int kListeners = 3;
constexpr size_t kTextBytes = 30;

// What the room tells its n-th member (from 0) of the m-th message (from 0), which should be `line`.
using Delivery = std::function<std::string(int n, int m, const std::string& line)>;

std::string AsItShouldBe(int, int, const std::string& line) { return line; }

// A room that has no bounds and no mercy, in a thread.
class FakeRoom {
 public:
  explicit FakeRoom(Delivery delivery)
      : delivery_(std::move(delivery)),
        listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())),
        thread_([this] { Run(); }) {}
  ~FakeRoom() { stop_ = true; }

  Endpoint address() const { return *Endpoint::OfSocket(listener_.get()); }

 private:
  struct Member {
    UniqueFd fd;
    std::string input;
  };

  void Run() {
    while (!stop_) {
      std::vector<pollfd> watched = {{listener_.get(), POLLIN, 0}};
      for (const Member& member : members_) watched.push_back({member.fd.get(), POLLIN, 0});
      ::poll(watched.data(), watched.size(), 10);
      for (size_t i = 0; i < members_.size(); ++i) Hear(members_[i]);
      if (UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); fd.ok()) {
        members_.push_back({std::move(fd), ""});
      }
    }
  }

  void Hear(Member& member) {
    char buffer[4096];
    const ssize_t count = ::recv(member.fd.get(), buffer, sizeof(buffer), 0);
    if (count > 0) member.input.append(buffer, static_cast<size_t>(count));
    for (size_t end; (end = member.input.find('\n')) != std::string::npos; member.input.erase(0, end + 1)) {
      OnLine(member, member.input.substr(0, end));
    }
  }

  void OnLine(const Member& speaker, const std::string& line) {
    const bool joins = absl::StartsWith(line, "L ");
    const size_t space = line.find(' ', 2);
    const std::string said = joins ? absl::StrCat("welcome ", line.substr(2), "\n")
                                   : absl::StrCat(line.substr(2, space - 2), " : ", line.substr(space + 1), "\n");
    if (joins) Tell(speaker, "OK\n");
    int n = 0;
    for (const Member& member : members_) {
      if (&member != &speaker) Tell(member, joins ? said : delivery_(n, said_, said));
      ++n;
    }
    if (!joins) ++said_;
  }

  void Tell(const Member& member, const std::string& text) {
    ::send(member.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  const Delivery delivery_;
  const UniqueFd listener_;
  std::atomic<bool> stop_ = false;
  std::vector<Member> members_;
  int said_ = 0;
  const std::jthread thread_;
};

LoadTally RunIn(const Delivery& delivery, int depth = 4) {
  FakeRoom room(delivery);
  LoadPlan plan;
  plan.to = room.address();
  plan.connections = kListeners;
  plan.depth = depth;
  plan.duration = absl::Milliseconds(200);
  plan.patience = absl::Seconds(1);
  plan.make_thread = [](const LoadPlan& share) { return std::make_unique<ChatCrowd>(share, kTextBytes); };
  const absl::StatusOr<LoadTally> tally = RunLoad(plan);
  EXPECT_TRUE(tally.ok()) << tally.status();
  return tally.value_or(LoadTally());
}

TEST(ChatCrowdTest, CountsDeliveriesWhereAllIsWell) {
  for (const int depth : {1, 4, 100}) {
    const LoadTally tally = RunIn(&AsItShouldBe, depth);
    EXPECT_GT(tally.replies, 0u);
    EXPECT_EQ(tally.connected, kListeners);
    EXPECT_EQ(tally.wrong + tally.broken + tally.unanswered, 0u);
    EXPECT_EQ(tally.per_connection.size(), static_cast<size_t>(kListeners));
  }
}

TEST(ChatCrowdTest, NoticesOtherContent) {
  const LoadTally tally = RunIn([](int n, int m, const std::string& line) {
    return n == 1 && m == 5 ? absl::StrCat(line.substr(0, line.size() - 2), "!\n") : line;
  });
  EXPECT_EQ(tally.wrong, 1u);
}

TEST(ChatCrowdTest, NoticesAnotherOrder) {
  std::string kept;
  const LoadTally tally = RunIn([&kept](int n, int m, const std::string& line) {
    if (n != 2 || m > 3) return line;
    if (m < 2) return line;
    if (m == 2) return kept = line, std::string();
    return line + kept;
  });
  EXPECT_EQ(tally.wrong, 1u);
}

TEST(ChatCrowdTest, NoticesWhatIsHeardTwice) {
  const LoadTally tally =
      RunIn([](int n, int m, const std::string& line) { return n == 0 && m == 3 ? line + line : line; });
  EXPECT_EQ(tally.wrong, 1u);
}

TEST(ChatCrowdTest, NoticesWhatIsNeverHeard) {
  const LoadTally tally =
      RunIn([](int n, int m, const std::string& line) { return n == 0 && m >= 3 ? std::string() : line; });
  EXPECT_EQ(tally.unanswered, 4u);  // The others have to wait for it: the window is full.
}

TEST(ChatCrowdTest, PlaceThatIsNoRoomIsRefused) {
  LoadPlan plan;
  const UniqueFd deaf = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  plan.to = *Endpoint::OfSocket(deaf.get());
  plan.patience = absl::Milliseconds(10);
  EXPECT_TRUE(absl::IsUnavailable(ChatCrowd(plan, kTextBytes).Connect()));
}

}  // namespace
}  // namespace polyserve
