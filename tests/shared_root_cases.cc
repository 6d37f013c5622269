// One root under several servers, as on a file system that machines share: what one stores the others serve at once,
// whole, and without files that lock anything. The second server is one of threads, whatever the model under test.
#include <signal.h>

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/http_reply.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

using Names = std::vector<std::string>;

class SharedRootTest : public EveryModelTest {
 protected:
  void StartBoth() {
    StartServer();
    other_ = std::make_unique<ServerProcess>(ServerProcess::Options{
        .flags = {"--model=thread", "--listen=http://127.0.0.1:0", absl::StrCat("--root=", root().path())}});
    ASSERT_TRUE(other_->ready()) << other_->log();
  }
  ~SharedRootTest() override {
    if (other_ == nullptr) return;
    other_->Signal(SIGTERM);
    EXPECT_EQ(other_->AwaitExit(), 0) << other_->log();
  }

  std::string here() { return server().address("http"); }
  std::string there() { return other_->address("http"); }

  static std::string Ask(const std::string& server, absl::string_view method_and_target, absl::string_view fields = "",
                         absl::string_view content = "") {
    Peer peer(server);
    const std::string length = content.empty() ? "" : absl::StrCat("Content-Length: ", content.size(), "\r\n");
    peer.Send(absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields, length,
                           "\r\n", content));
    return peer.ReadToEnd();
  }

 private:
  std::unique_ptr<ServerProcess> other_;
};

// Small enough for the cache of replies. A file that was changed just now is not kept there, so it is asked for until
// it may be: a reply without a look at the file would then be found out.
TEST_F(SharedRootTest, WhatOneStoresTheOtherServesAtOnceWhateverItHasKept) {
  StartBoth();
  for (int i = 0; i < 10; ++i) {
    const std::string content = absl::StrCat("version ", i);
    const std::string& writer = i % 2 == 0 ? there() : here();
    const std::string& reader = i % 2 == 0 ? here() : there();
    ASSERT_EQ(CodeOf(Ask(writer, "PUT /a", "", content)), i == 0 ? 201 : 204);
    for (int reads = 0; reads < 5; ++reads) ASSERT_EQ(ContentOf(Ask(reader, "GET /a")), content);
    ASSERT_EQ(ContentOf(Ask(writer, "GET /a")), content);
  }
  EXPECT_EQ(root().Names(), Names{"a"}) << "nothing but the file";
}

// The tags are made of what the file system says, and so are the same everywhere: a client may ask one server for a
// file, and another one whether it has changed.
TEST_F(SharedRootTest, BothHaveTheSameTags) {
  root().Write("a", "hello");
  StartBoth();
  const std::string reply = Ask(here(), "GET /a");
  const size_t begin = reply.find("\r\nETag: ");
  ASSERT_NE(begin, std::string::npos);
  const std::string etag = reply.substr(begin + 8, reply.find('\r', begin + 2) - begin - 8);
  EXPECT_EQ(CodeOf(Ask(there(), "GET /a", absl::StrCat("If-None-Match: ", etag, "\r\n"))), 304);
  EXPECT_EQ(CodeOf(Ask(there(), "PUT /a", absl::StrCat("If-Match: ", etag, "\r\n"), "world")), 204);
  EXPECT_EQ(CodeOf(Ask(here(), "PUT /a", absl::StrCat("If-Match: ", etag, "\r\n"), "again")), 412);
  EXPECT_EQ(root().Read("a"), "world");
}

TEST_F(SharedRootTest, ReadersOfOneSeeWholeFilesWhileTheOtherReplacesThem) {
  constexpr size_t kShort = 50'000, kLong = 200'000;
  root().Write("a", std::string(kShort, 's'));
  StartBoth();
  constexpr int kRounds = 20;
  std::thread writer([this] {
    for (int i = 0; i < kRounds; ++i) {
      const std::string content = i % 2 == 0 ? std::string(kLong, 'l') : std::string(kShort, 's');
      EXPECT_EQ(CodeOf(Ask(there(), "PUT /a", "", content)), 204);
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    const std::string content = ContentOf(Ask(here(), "GET /a"));
    const bool is_whole = content == std::string(kLong, 'l') || content == std::string(kShort, 's');
    EXPECT_TRUE(is_whole) << content.size() << " bytes";
  }
  writer.join();
  EXPECT_EQ(root().Names(), Names{"a"});
}

// The kernel's lock of the directory holds between servers, too.
TEST_F(SharedRootTest, OfTwoThatCreateOneFileOneSucceeds) {
  StartBoth();
  for (int i = 0; i < 10; ++i) {
    const std::string request = absl::StrCat("PUT /", i);
    std::string theirs;
    std::thread other([&] { theirs = Ask(there(), request, "If-None-Match: *\r\n", "theirs"); });
    const std::string ours = Ask(here(), request, "If-None-Match: *\r\n", "ours");
    other.join();
    EXPECT_TRUE((CodeOf(ours) == 201 && CodeOf(theirs) == 412) || (CodeOf(ours) == 412 && CodeOf(theirs) == 201))
        << CodeOf(ours) << ", " << CodeOf(theirs);
    EXPECT_EQ(root().Read(absl::StrCat(i)), CodeOf(ours) == 201 ? "ours" : "theirs");
  }
}

// Names that are free may be taken by programs that know no lock, and directories by any server.
TEST_F(SharedRootTest, UploadThatIsCutShortOnOneLeavesNothingForTheOther) {
  StartBoth();
  Peer peer(here());
  peer.Send("PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(CodeOf(Ask(there(), "GET /a")), 404);
  EXPECT_EQ(CodeOf(Ask(there(), "PUT /a", "", "whole")), 201) << "nothing is locked meanwhile";
  peer.Reset();
  EXPECT_EQ(ContentOf(Ask(there(), "GET /a")), "whole");
  EXPECT_TRUE(Eventually([this] { return root().Names() == Names{"a"}; }));
}

}  // namespace

}  // namespace polyserve
