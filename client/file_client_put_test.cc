// FileClient stores files with servers that take them, refuse early and late, lie, fall silent and go away.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/connection.h"
#include "client/file_client.h"
#include "client/reply.h"
#include "client/scripted_peer.h"

namespace polyserve {

namespace {

constexpr int64_t kBig = int64_t{64} << 20;  // More than all buffers between two sockets.

FileClient ConnectTo(const ScriptedPeer& peer, absl::Duration idle_timeout = absl::Seconds(10)) {
  ConnectionOptions options;
  options.idle_timeout = idle_timeout;
  return FileClient::Connect(peer.endpoint(), options).value();
}

// A file without a name, of zeros that take no room on the disk.
UniqueFd MakeFile(int64_t size) {
  char path[] = "/tmp/file_client_test.XXXXXX";
  UniqueFd file(::mkstemp(path));
  EXPECT_TRUE(file.ok());
  ::unlink(path);
  EXPECT_EQ(::ftruncate(file.get(), size), 0);
  return file;
}

// Closing then sends a reset, and discards what is still to be sent.
void Reset(Connection& client) {
  const linger at_once = {1, 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.Close();
}

TEST(FileClientPutTest, ProgressRunsFromNothingToAll) {
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "P a 200000");
    EXPECT_EQ(Swallow(client, 200'000), 200'000);
    Say(client, "OK 0\n");
  });
  std::vector<int64_t> seen;
  const UniqueFd file = MakeFile(200'000);
  EXPECT_TRUE(ConnectTo(peer).Put(file.get(), "a", [&seen](int64_t done, int64_t) { seen.push_back(done); }).ok());
  EXPECT_EQ(seen.front(), 0);
  EXPECT_EQ(seen.back(), 200'000);
}

TEST(FileClientPutTest, EmptyFileIsOnlyARequest) {
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "P a b 0");
    Say(client, "OK 0\n");
  });
  EXPECT_TRUE(ConnectTo(peer).Put(MakeFile(0).get(), "a b").ok());
}

TEST(FileClientPutTest, EarlyRefusalIsHeardWhileTheServerReadsNoMore) {
  std::promise<void> heard;
  ScriptedPeer peer([&heard](Connection& client) {
    Hear(client);
    Say(client, "ERR 413 too large\n");
    heard.get_future().wait_for(std::chrono::seconds(10));  // Does not read: a client that only sent would be stuck.
  });
  FileClient client = ConnectTo(peer);
  const absl::Status status = client.Put(MakeFile(kBig).get(), "a");
  EXPECT_EQ(RefusalCode(status), 413) << status;
  EXPECT_EQ(status.message(), "too large");
  heard.set_value();
  EXPECT_FALSE(client.connected());
}

TEST(FileClientPutTest, RefusalIsHeardThoughTheServerClosesWithBytesUnread) {
  ScriptedPeer peer([](Connection& client) {
    Hear(client);
    Swallow(client, 1'000'000);
    Say(client, "ERR 507 full\n");  // And closes, which resets the connection: bytes are unread.
  });
  EXPECT_EQ(RefusalCode(ConnectTo(peer).Put(MakeFile(kBig).get(), "a")), 507);
}

TEST(FileClientPutTest, ShortRefusedFileLeavesTheConnectionInStep) {
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "P a 1000000");
    Say(client, "ERR 405 read-only\n");
    EXPECT_EQ(Swallow(client, 1'000'000), 1'000'000);
    EXPECT_EQ(Hear(client), "S a");
    Say(client, "OK 5 7\n");
  });
  FileClient client = ConnectTo(peer);
  EXPECT_EQ(RefusalCode(client.Put(MakeFile(1'000'000).get(), "a")), 405);
  EXPECT_TRUE(client.Stat("a").ok());
}

TEST(FileClientPutTest, ResetWithoutAWordIsALostConnection) {
  ScriptedPeer peer([](Connection& client) {
    Hear(client);
    Swallow(client, 100'000);
    Reset(client);
  });
  EXPECT_TRUE(absl::IsUnavailable(ConnectTo(peer).Put(MakeFile(kBig).get(), "a")));
}

TEST(FileClientPutTest, ServerThatStopsReadingIsGivenUp) {
  std::promise<void> given_up;
  ScriptedPeer peer([&given_up](Connection& client) {
    Hear(client);
    given_up.get_future().wait_for(std::chrono::seconds(10));
  });
  FileClient client = ConnectTo(peer, absl::Milliseconds(100));
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.Put(MakeFile(kBig).get(), "a")));
  given_up.set_value();
}

TEST(FileClientPutTest, ConfirmationBeforeTheEndIsDataLoss) {
  ScriptedPeer peer([](Connection& client) {
    Hear(client);
    Say(client, "OK 0\n");
    Swallow(client, INT64_MAX);
  });
  EXPECT_TRUE(absl::IsDataLoss(ConnectTo(peer).Put(MakeFile(kBig).get(), "a")));
}

// Changes the file's size once the transfer is under way, and returns what the server got.
int64_t PutWhileSizeChanges(int64_t new_size, absl::Status& status) {
  const UniqueFd file = MakeFile(kBig);
  int64_t received = 0;
  {
    ScriptedPeer peer([&received](Connection& client) {
      Hear(client);
      received = Swallow(client, kBig);
    });
    FileClient client = ConnectTo(peer);
    status = client.Put(file.get(), "a",
                        [&file, new_size](int64_t, int64_t) { EXPECT_EQ(::ftruncate(file.get(), new_size), 0); });
    EXPECT_FALSE(client.connected());
  }
  return received;
}

TEST(FileClientPutTest, FileThatShrinksOrGrowsIsNotSentWhole) {
  for (int64_t new_size : {int64_t{100}, kBig - 1, kBig + 1}) {
    absl::Status status;
    EXPECT_LT(PutWhileSizeChanges(new_size, status), kBig) << new_size;
    EXPECT_TRUE(absl::IsAborted(status)) << status;
  }
}

TEST(FileClientPutTest, OnlyRegularFilesAreSent) {
  ScriptedPeer peer([](Connection& client) { EXPECT_EQ(Hear(client), "Q"); });
  FileClient client = ConnectTo(peer);
  EXPECT_TRUE(absl::IsFailedPrecondition(client.Put("/", "a")));
  EXPECT_TRUE(absl::IsFailedPrecondition(client.Put("/dev/null", "a")));
  EXPECT_TRUE(absl::IsNotFound(client.Put("/nonexistent", "a")));
  EXPECT_TRUE(client.Quit().ok());
}

}  // namespace

}  // namespace polyserve
