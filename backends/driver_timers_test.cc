// Output::SetTimer() and Output::Pause() under every model: each runs in a child process, with a session made for this.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/registry.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/signals.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "protocol/session.h"

namespace polyserve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr absl::Duration kMoment = absl::Milliseconds(20);
constexpr size_t kManyBytes = 8 << 20;

// One letter is one command.
class TimeSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override {
    while (!input.empty() && output.wants_more()) {
      const char command = input.bytes()[0];
      input.Consume(1);
      Obey(command, output);
    }
  }
  void OnTime(Output& output) override { output.Write("time"); }
  void OnEndOfInput(Output& output) override { Obey('p', output); }

 private:
  static void Obey(char command, Output& output) {
    switch (command) {
      case 'w':
        return output.SetTimer(kMoment);
      case 'c':
        return output.SetTimer(absl::InfiniteDuration());
      case 'm':
        output.WriteShared(std::make_shared<std::string>(kManyBytes, 'm'));
        return output.SetTimer(absl::ZeroDuration());
      case 'p':
        output.Write("one");
        return output.Pause(kMoment, [](Output& result) {
          result.Write("two");
          result.Pause(kMoment, [](Output& last) { last.Write("end"); });
        });
      case 'q':
        output.SetTimer(absl::ZeroDuration());
        return output.Close();
      default:
        return output.Write(absl::string_view(&command, 1));
    }
  }
};

class DriverTimersTest : public testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    if (TraitsWithFlags(GetParam()).starts_images) GTEST_SKIP() << "this program is not one that it could start";
    absl::StatusOr<std::unique_ptr<Backend>> backend = GetParam().make();
    if (!backend.ok()) GTEST_SKIP() << backend.status().message();
    ServerContext context{{}, absl::Seconds(60), *Statistics::Create()};
    UniqueFd listener = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), context.idle_timeout);
    address_ = *Endpoint::OfSocket(listener.get());
    context.listeners.push_back({"time", std::move(listener), [] { return std::make_unique<TimeSession>(); }});
    server_ = ::fork();
    if (server_ != 0) return;
    bool good = Signals::Install().ok() && (*backend)->Prepare(context).ok();
    good = good && (*backend)->Serve(context).ok();
    ::_exit(good ? 0 : 1);
  }

  void TearDown() override {
    if (server_ < 0) return;
    ::kill(server_, SIGTERM);
    int status = 0;
    ::waitpid(server_, &status, 0);
    EXPECT_EQ(status, 0);
  }

  UniqueFd Connect() {
    UniqueFd peer = *ConnectTcp(address_, absl::Seconds(60));
    const timeval patience = {60, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return peer;
  }

  static void Send(const UniqueFd& peer, absl::string_view bytes) {
    EXPECT_EQ(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  static std::string Receive(const UniqueFd& peer, size_t count) {
    std::string bytes(count, '\0');
    size_t size = 0;
    while (size < count) {
      const ssize_t received = ::recv(peer.get(), &bytes[size], count - size, 0);
      if (received < 0 && errno == EINTR) continue;  // The kernel tidies up behind a ring that was tried out.
      if (received <= 0) break;
      size += static_cast<size_t>(received);
    }
    bytes.resize(size);
    return bytes;
  }

  Endpoint address_;
  pid_t server_ = -1;
};

TEST_P(DriverTimersTest, SessionIsWokenInItsTimeAndNotBefore) {
  const UniqueFd peer = Connect();
  const Clock::time_point begin = Clock::now();
  Send(peer, "wx");
  EXPECT_EQ(Receive(peer, 5), "xtime");
  EXPECT_GE(absl::FromChrono(Clock::now() - begin), kMoment);
  Send(peer, "y");
  EXPECT_EQ(Receive(peer, 1), "y") << "once only";
  Send(peer, "wcz");
  EXPECT_EQ(Receive(peer, 1), "z");
  Send(peer, "w");
  EXPECT_EQ(Receive(peer, 4), "time");
}

TEST_P(DriverTimersTest, PeerThatNeverPausesDoesNotPutItOff) {
  const UniqueFd peer = Connect();
  Send(peer, "w");
  std::string replies;
  while (replies.find("time") == std::string::npos) {
    Send(peer, "x");
    const std::string reply = Receive(peer, 1);
    if (reply.empty()) break;
    replies += reply;
  }
  EXPECT_NE(replies.find("time"), std::string::npos);
}

TEST_P(DriverTimersTest, WhatWasWrittenBeforeIsSentBefore) {
  const UniqueFd peer = Connect();
  Send(peer, "wmx");
  const std::string replies = Receive(peer, kManyBytes + 5);
  EXPECT_EQ(replies.find_first_not_of('m'), kManyBytes);
  EXPECT_EQ(replies.substr(std::min(kManyBytes, replies.size())), "xtime");
}

TEST_P(DriverTimersTest, PausesComeBetweenWhatIsWritten) {
  const UniqueFd peer = Connect();
  const Clock::time_point begin = Clock::now();
  Send(peer, "wpx");  // That the time comes meanwhile harms nothing.
  EXPECT_EQ(Receive(peer, 3), "one");
  EXPECT_EQ(Receive(peer, 3), "two");
  EXPECT_GE(absl::FromChrono(Clock::now() - begin), kMoment);
  EXPECT_EQ(Receive(peer, 3), "end");
  EXPECT_GE(absl::FromChrono(Clock::now() - begin), 2 * kMoment);
  const std::string rest = Receive(peer, 5);
  EXPECT_TRUE(rest == "xtime" || rest == "timex") << rest;
}

TEST_P(DriverTimersTest, PausesAreKeptAlsoForAPeerThatSendsNoMore) {
  const UniqueFd peer = Connect();
  ::shutdown(peer.get(), SHUT_WR);
  EXPECT_EQ(Receive(peer, 100), "onetwoend");
}

TEST_P(DriverTimersTest, WhoHasClosedIsNotWokenAnyMore) {
  const UniqueFd peer = Connect();
  Send(peer, "q");
  EXPECT_EQ(Receive(peer, 100), "");
}

TEST_P(DriverTimersTest, WhoLeavesWhileWaitingLeavesNothingBehind) {
  for (const char* command : {"w", "p", "m"}) {
    const UniqueFd peer = Connect();
    Send(peer, command);
  }
  const UniqueFd peer = Connect();
  Send(peer, "p");
  EXPECT_EQ(Receive(peer, 9), "onetwoend");
}

INSTANTIATE_TEST_SUITE_P(EveryModel, DriverTimersTest, testing::ValuesIn(AllModels().begin(), AllModels().end()),
                         [](const testing::TestParamInfo<Model>& model) { return std::string(model.param.name); });

}  // namespace
}  // namespace polyserve
