// One reply, whole, from servers that end it in different ways.
#include "client/load/ask_once.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/fake_server.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::string_view kHead = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

// Whether the client has sent its end, or does so within a moment.
bool HasEnded(int fd) {
  char byte = 0;
  SetReceiveTimeout(fd, absl::Milliseconds(100)).IgnoreError();
  return ::recv(fd, &byte, 1, 0) == 0;
}

TEST(GetOnceTest, ServerThatTakesTheClientsEndForLeavingSendsAll) {
  FakeServer server([](int fd) {
    if (HearHead(fd).empty()) return;
    Say(fd, kHead);
    Say(fd, "hello");
    if (!HasEnded(fd)) Say(fd, "world");
  });
  const absl::StatusOr<std::string> content = GetOnce(server.address(), "/a");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "helloworld");
}

TEST(GetOnceTest, ServerThatKeepsTheConnectionIsNotWaitedFor) {
  FakeServer server([](int fd) {
    while (!HearHead(fd).empty()) {  // Until the client closes.
      Say(fd, kHead);
      Say(fd, "helloworld");
    }
  });
  const absl::StatusOr<std::string> content = GetOnce(server.address(), "/a");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "helloworld");
}

TEST(GetOnceTest, ReplyThatIsCutOffIsAnError) {
  FakeServer server([](int fd) {
    if (HearHead(fd).empty()) return;
    Say(fd, kHead);
    Say(fd, "hello");
  });
  EXPECT_FALSE(GetOnce(server.address(), "/a").ok());
}

TEST(GetOnceTest, ReplyWithoutALengthEndsWithTheConnection) {
  FakeServer server([](int fd) {
    if (!HearHead(fd).empty()) Say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  });
  const absl::StatusOr<std::string> content = GetOnce(server.address(), "/a");
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "hello");
}

TEST(AskOnceTest, ServerThatKeepsConnectionsIsToldTheEnd) {
  FakeServer server([](int fd) {
    char buffer[16];
    for (ssize_t count; (count = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      Say(fd, absl::string_view(buffer, static_cast<size_t>(count)));
    }
  });
  const absl::StatusOr<std::string> reply = AskOnce(server.address(), "hello");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, "hello");
}

}  // namespace

}  // namespace polyserve
