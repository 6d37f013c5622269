// tftp over a library that lacks files which another server has. The fetches are the test's.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/file_fetch.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tftp/packet.h"
#include "protocol/tftp/session.h"
#include "protocol/tftp/test_client.h"

namespace polyserve {
namespace {

// Has fetched the file, or not yet.
class TestFetcher : public FileFetcher {
 public:
  struct Fetch : PolledFetch {
    explicit Fetch(const TestFetcher& its) : fetcher(its) {}
    std::optional<FetchAnswer> Poll() override { return fetcher.answer; }
    const TestFetcher& fetcher;
  };

  absl::StatusOr<UniqueFd> Connect() const override { return absl::UnimplementedError("datagrams ask nothing"); }
  std::unique_ptr<PolledFetch> Begin(absl::string_view name) const override {
    begun.emplace_back(name);
    return std::make_unique<Fetch>(*this);
  }
  void Refresh(absl::string_view) const override {}

  mutable std::vector<std::string> begun;
  std::optional<FetchAnswer> answer;
};

class TftpFetchTest : public testing::Test {
 protected:
  TftpFetchTest() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    session_ = std::make_unique<TftpSession>(*Library::Open(root_, {.has_copies = true}), TftpWrites::kNone, nullptr,
                                             fetcher_);
  }

  void Write(const std::string& name, absl::string_view bytes) const {
    std::ofstream(absl::StrCat(root_, "/", name)) << std::string(bytes);
  }
  // What the session sends for a request, and when its time has come; each packet behind a '|'.
  std::string Ask(absl::string_view name) {
    Output output(Output::Kind::kDatagrams);
    const std::string packet = TftpRequestPacket(false, name, "octet", {});
    Input input(packet);
    session_->OnInput(input, output);
    return TakePackets(output);
  }
  std::string TellTime() {
    Output output(Output::Kind::kDatagrams);
    session_->OnTime(output);
    return TakePackets(output);
  }
  static std::string TakePackets(Output& output) {
    EXPECT_TRUE(output.asks_for_wake());
    std::string packets;
    for (; !output.empty(); output.DropDatagram()) absl::StrAppend(&packets, "|", output.FrontDatagram());
    return packets;
  }
  static std::string Data(absl::string_view bytes) { return absl::StrCat("|", TftpData(1, bytes)); }
  static std::string Error(TftpError code, absl::string_view text) {
    return absl::StrCat("|", TftpErrorPacket(code, text));
  }

  std::string root_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/tftp-XXXXXX");  // mkdtemp() completes it.
  std::shared_ptr<TestFetcher> fetcher_ = std::make_shared<TestFetcher>();
  std::unique_ptr<TftpSession> session_;
};

TEST_F(TftpFetchTest, FileIsSentWhenItHasBeenFetched) {
  EXPECT_EQ(Ask("/new"), "");
  EXPECT_EQ(fetcher_->begun, std::vector<std::string>{"new"});
  EXPECT_FALSE(session_->idle());
  EXPECT_EQ(TellTime(), "");
  EXPECT_EQ(Ask("/new"), "") << "repeated while nothing comes";
  EXPECT_EQ(TellTime(), "");
  Write("new", "theirs");
  fetcher_->answer = FetchAnswer{200};
  EXPECT_EQ(TellTime(), Data("theirs"));
  EXPECT_EQ(fetcher_->begun.size(), 1u);
}

TEST_F(TftpFetchTest, WhyThereIsNoneIsAnError) {
  fetcher_->answer = FetchAnswer{404, "there is no such file"};
  EXPECT_EQ(Ask("new"), Error(TftpError::kNotFound, "there is no such file"));
  fetcher_->answer = FetchAnswer{301};
  EXPECT_EQ(Ask("new"), Error(TftpError::kAccess, "the name is a directory's"));
  EXPECT_TRUE(session_->idle());
}

TEST_F(TftpFetchTest, FetchThatTakesTooLongEnds) {
  EXPECT_EQ(Ask("new"), "");
  std::string sent;
  for (int looks = 0; looks < TftpSession::kMaxLooks && sent.empty(); ++looks) sent = TellTime();
  EXPECT_EQ(sent, Error(TftpError::kOther, "the file does not come in time"));
}

TEST_F(TftpFetchTest, FilesThatAreHereAreSentAtOnce) {
  Write("own", "mine");
  EXPECT_EQ(Ask("own"), Data("mine"));
  EXPECT_TRUE(fetcher_->begun.empty());
}

}  // namespace
}  // namespace polyserve
