// The channel between a coordinator and an agent: messages come whole, and waits and lines have an end.
#include "client/load/agent_channel.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/agent_messages.h"
#include "gtest/gtest.h"
#include "net/deadline.h"

namespace polyserve {
namespace {

using nlohmann::json;

// For what is there already, or never comes.
Deadline Soon() { return Deadline(absl::Milliseconds(1)); }
Deadline Patience() { return Deadline(absl::Seconds(30)); }

std::pair<UniqueFd, UniqueFd> Pair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void Write(const UniqueFd& fd, absl::string_view text) {
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(AgentChannelTest, MessagesArriveOneByOne) {
  auto [a, b] = Pair();
  AgentChannel here(std::move(a)), there(std::move(b));
  ASSERT_TRUE(here.Send(PlainMessage("start"), Soon()).ok());
  ASSERT_TRUE(here.Send(PlainMessage("stop"), Soon()).ok());
  EXPECT_EQ(TypeOf(there.Receive(Patience()).value()), "start");
  EXPECT_TRUE(there.has_more());
  EXPECT_EQ(TypeOf(there.Receive(Patience()).value()), "stop");
  EXPECT_FALSE(there.has_more());
}

TEST(AgentChannelTest, PiecesAreNoMessageYet) {
  auto [a, b] = Pair();
  AgentChannel channel(std::move(b));
  Write(a, "{\"type\":");
  ASSERT_TRUE(channel.Fill().ok());
  EXPECT_FALSE(channel.Next().value().has_value());
  Write(a, "\"start\"}\n");
  ASSERT_TRUE(channel.Fill().ok());
  EXPECT_TRUE(channel.Next().value().has_value());
}

TEST(AgentChannelTest, LargeMessageDoesNotFitTheSocketAndArrivesAllTheSame) {
  auto [a, b] = Pair();
  const json large = {{"type", "tally"}, {"text", std::string(8 << 20, 'x')}};
  const pid_t child = ::fork();
  if (child == 0) {
    b.reset();
    ::_exit(AgentChannel(std::move(a)).Send(large, Patience()).ok() ? 0 : 1);
  }
  a.reset();
  EXPECT_EQ(AgentChannel(std::move(b)).Receive(Patience()).value(), large);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(AgentChannelTest, PeerThatDoesNotReadIsNotWaitedForForEver) {
  auto [a, b] = Pair();
  const json large = {{"type", "tally"}, {"text", std::string(8 << 20, 'x')}};
  EXPECT_TRUE(absl::IsDeadlineExceeded(AgentChannel(std::move(a)).Send(large, Soon())));
}

TEST(AgentChannelTest, SilentPeerIsNotWaitedForForEver) {
  auto [a, b] = Pair();
  EXPECT_TRUE(absl::IsDeadlineExceeded(AgentChannel(std::move(b)).Receive(Soon()).status()));
}

TEST(AgentChannelTest, PeerThatIsGoneIsNoticed) {
  auto [a, b] = Pair();
  AgentChannel channel(std::move(b));
  Write(a, "{\"type\":");
  a.reset();
  EXPECT_TRUE(absl::IsUnavailable(channel.Receive(Patience()).status()));
  EXPECT_TRUE(absl::IsUnavailable(channel.Send(PlainMessage("stop"), Patience())));
}

TEST(AgentChannelTest, LineWithoutAnEndIsRefused) {
  for (const absl::string_view end : {"", "\n"}) {
    auto [a, b] = Pair();
    AgentChannel channel(std::move(b), 100);
    Write(a, std::string(101, ' '));
    Write(a, end);
    EXPECT_TRUE(absl::IsInvalidArgument(channel.Receive(Patience()).status()));
  }
}

TEST(AgentChannelTest, NonsenseIsRefused) {
  auto [a, b] = Pair();
  AgentChannel channel(std::move(b));
  Write(a, "Last login: Monday\n");
  EXPECT_TRUE(absl::IsInvalidArgument(channel.Receive(Patience()).status()));
}

TEST(AgentChannelTest, PipesWorkToo) {
  int to[2], from[2];
  ASSERT_EQ(::pipe(to), 0);
  ASSERT_EQ(::pipe(from), 0);
  AgentChannel here{UniqueFd(from[0]), UniqueFd(to[1])}, there{UniqueFd(to[0]), UniqueFd(from[1])};
  ASSERT_TRUE(here.Send(PlainMessage("start"), Soon()).ok());
  EXPECT_EQ(TypeOf(there.Receive(Patience()).value()), "start");
  ASSERT_TRUE(there.Send(PlainMessage("started"), Soon()).ok());
  EXPECT_EQ(TypeOf(here.Receive(Patience()).value()), "started");
}

}  // namespace
}  // namespace polyserve
