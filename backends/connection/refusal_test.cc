// SayRefusal(): what a client that is refused before it has said anything hears, and what it costs.
#include "backends/connection/refusal.h"

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

namespace {

class BusySession : public Session {
 public:
  void OnInput(Input& input, Output&) override { input.ConsumeAll(); }
  void OnOverload(Output& output) override { output.Write("busy"); }
};

class RefusalTest : public testing::Test {
 protected:
  RefusalTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
    listener_.make_session = [this] {
      ++sessions_;
      return std::make_unique<BusySession>();
    };
  }

  bool Refuse() { return SayRefusal({std::move(near_), &listener_}, context_); }

  // All that has come so far.
  std::string Heard() {
    char bytes[64];
    const ssize_t count = ::recv(far_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
  }

  int sessions_ = 0;
  Listener listener_{"busy", UniqueFd(), nullptr};
  ServerContext context_{.listeners = {}, .idle_timeout = absl::Seconds(60), .statistics = *Statistics::Create()};
  UniqueFd near_, far_;
};

TEST_F(RefusalTest, ClientHearsTheWordsOfTheProtocol) {
  EXPECT_TRUE(Refuse());
  EXPECT_EQ(Heard(), "busy");
}

// A session may cost something from its beginning: that of exec is a program.
TEST_F(RefusalTest, WithoutWordsThereIsNoSession) {
  listener_.refuses_in_words = false;
  EXPECT_FALSE(Refuse());
  EXPECT_EQ(Heard(), "");
  EXPECT_EQ(sessions_, 0);
}

}  // namespace

}  // namespace polyserve
