// Uploads: what is sent, which answers count as success, and files that are not what was acknowledged.
#include "client/load/upload.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/count_replies.h"
#include "client/load/fake_server.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

constexpr size_t kSize = 30;
constexpr absl::string_view kNoContent = "HTTP/1.1 204 No Content\r\n\r\n";

// Answers the first request of one client, whatever it is, and closes.
class OneReplyServer {
 public:
  explicit OneReplyServer(std::string reply)
      : listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())),
        thread_([this, reply = std::move(reply)] {
          SetNonBlocking(listener_.get(), false).IgnoreError();
          const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
          HearHead(fd.get());
          ::send(fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
        }) {}

  Endpoint address() const { return *Endpoint::OfSocket(listener_.get()); }

 private:
  const UniqueFd listener_;
  const std::jthread thread_;
};

// After `count` PUTs, all but the last `lost` of them acknowledged.
std::vector<std::string> InspectAgainst(const std::string& reply, int count, int lost) {
  const OneReplyServer server(reply);
  Upload upload(server.address(), "up", kSize);
  const std::unique_ptr<Exchange> exchange = upload.NewExchange();
  for (int i = 0; i < count; ++i) {
    exchange->Ask();
    if (i < count - lost) {
      EXPECT_EQ(CountReplies(*exchange, kNoContent, 100), 1);
    }
  }
  return upload.Inspect();
}

std::string Ok(const std::string& content) { return absl::StrCat("HTTP/1.1 200 OK\r\n\r\n", content); }

TEST(UploadTest, WhatWasAcknowledgedHasToBeThere) {
  EXPECT_TRUE(InspectAgainst(Ok(Upload::Content(kSize, 3)), 3, 0).empty());
  EXPECT_EQ(InspectAgainst(Ok(Upload::Content(kSize, 2)), 3, 0).size(), 1u);
  EXPECT_EQ(InspectAgainst(Ok(Upload::Content(kSize - 1, 3)), 3, 0).size(), 1u);
  EXPECT_EQ(InspectAgainst("HTTP/1.1 404 Not Found\r\n\r\n", 3, 0).size(), 1u);
}

TEST(UploadTest, WhatWasNotAcknowledgedMayBeThere) {
  for (uint64_t n : {2, 3}) EXPECT_TRUE(InspectAgainst(Ok(Upload::Content(kSize, n)), 3, 1).empty()) << n;
  EXPECT_EQ(InspectAgainst(Ok(Upload::Content(kSize, 1)), 3, 1).size(), 1u);
}

TEST(UploadTest, PutIsAnotherOneEachTime) {
  Upload upload(*Endpoint::Parse("127.0.0.1:80"), "up", kSize);
  const std::unique_ptr<Exchange> first = upload.NewExchange(), second = upload.NewExchange();
  const std::string one(first->Ask()), two(first->Ask());
  EXPECT_EQ(one.substr(0, 16), "PUT /up-1 HTTP/1");
  EXPECT_EQ(one, absl::StrCat("PUT /up-1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 30\r\n\r\n",
                              Upload::Content(30, 1)));
  EXPECT_NE(one, two);
  EXPECT_EQ(second->Ask().substr(0, 16), "PUT /up-2 HTTP/1");
}

TEST(UploadTest, PutTakesAllRepliesOfSuccess) {
  const std::string replies =
      "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\npage"
      "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  Upload upload(*Endpoint::Parse("127.0.0.1:80"), "up", kSize);
  for (size_t piece = 1; piece <= replies.size(); ++piece) {
    EXPECT_EQ(CountReplies(*upload.NewExchange(), replies, piece), 4) << piece;
  }
  for (const absl::string_view refusal :
       {"HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 301 Moved\r\n\r\n"}) {
    EXPECT_EQ(CountReplies(*upload.NewExchange(), refusal, 100), -1);
  }
}

TEST(UploadTest, UploadsOfAnySizeDiffer) {
  for (size_t size : {1, 5, 20, 21, 1000}) {
    EXPECT_EQ(Upload::Content(size, 7).size(), size);
    EXPECT_NE(Upload::Content(size, 7), Upload::Content(size, 8));
  }
}

}  // namespace
}  // namespace polyserve
