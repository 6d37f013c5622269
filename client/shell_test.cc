// The shell goes on after errors, and connects again after a loss.
#include "client/shell.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "client/line_source.h"
#include "client/runner.h"
#include "client/scripted_peer.h"

namespace polyserve {

namespace {

class Lines : public LineSource {
 public:
  explicit Lines(std::deque<std::string> lines) : lines_(std::move(lines)) {}

  std::optional<std::string> Next() override {
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }

  size_t left() const { return lines_.size(); }

 private:
  std::deque<std::string> lines_;
};

ExitStatus RunAgainst(const ScriptedPeer& peer, Lines& lines) {
  Runner::Options options;
  options.server = peer.endpoint();
  Runner runner(options);
  return RunShell(lines, runner, /*stop_on_interrupt=*/true);
}

TEST(ShellTest, GoesOnAfterErrorsAndReportsTheLast) {
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "S a");
    Say(client, "OK 5 7\n");
    EXPECT_EQ(Hear(client), "S b");
    Say(client, "ERR 404 none\n");
    EXPECT_EQ(Hear(client), "Q");
  });
  Lines lines({"", "frob", "stat a", "stat b", "quit", "stat c"});
  EXPECT_EQ(RunAgainst(peer, lines), kRefused);
  EXPECT_EQ(lines.left(), 1u);  // Nothing is read behind quit.
}

TEST(ShellTest, UnknownCommandIsAUsageErrorAndNeedsNoServer) {
  Lines lines({"help", "frob"});
  Runner runner({});
  EXPECT_EQ(RunShell(lines, runner, true), kUsageError);
}

TEST(ShellTest, LostConnectionIsReportedAndMadeAgain) {
  ScriptedPeer peer(
      std::vector<ScriptedPeer::Script>{[](Connection& client) { EXPECT_EQ(Hear(client), "S a"); },  // And closes.
                                        [](Connection& client) {
                                          EXPECT_EQ(Hear(client), "S b");
                                          Say(client, "OK 5 7\n");
                                        }});
  Lines lines({"stat a", "stat b"});
  EXPECT_EQ(RunAgainst(peer, lines), kNoConnection);
}

}  // namespace

}  // namespace polyserve
