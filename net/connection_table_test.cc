// The table of connections: what other processes see of a connection, and that no entry outlives its process.
#include "net/connection_table.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/ip_address.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

class ConnectionTableTest : public testing::Test {
 protected:
  ConnectionTableTest()
      : memory_(
            ::mmap(nullptr, sizeof(ConnectionTable::Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        table_(*static_cast<ConnectionTable::Table*>(memory_)) {}
  ~ConnectionTableTest() override { ::munmap(memory_, sizeof(ConnectionTable::Table)); }

  static Endpoint Peer(const char* text) { return *Endpoint::Parse(text); }

  void* const memory_;
  const ConnectionTable table_;
};

TEST_F(ConnectionTableTest, ListsAConnectionWhileItsEntryLives) {
  {
    ConnectionTable::Entry entry = table_.Enter(3, Peer("127.0.0.1:4711"));
    entry.Show(ConnectionTable::Activity::kSends);
    const std::vector<ConnectionTable::Connection> listed = table_.List();
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_EQ(listed[0].process, ::getpid());
    EXPECT_EQ(listed[0].thread, ::gettid());
    EXPECT_EQ(listed[0].service, 3);
    EXPECT_EQ(listed[0].peer.ToString(), "127.0.0.1:4711");
    EXPECT_EQ(listed[0].activity, ConnectionTable::Activity::kSends);
    EXPECT_GE(listed[0].age, absl::ZeroDuration());
  }
  EXPECT_TRUE(table_.List().empty());
}

TEST_F(ConnectionTableTest, KeepsAddressesOfBothKinds) {
  const ConnectionTable::Entry entry = table_.Enter(0, Peer("[2001:db8::1]:80"));
  ASSERT_EQ(table_.List().size(), 1u);
  EXPECT_EQ(table_.List()[0].peer.ToString(), "[2001:db8::1]:80");
}

TEST_F(ConnectionTableTest, PeerMaySpeakForAClient) {
  ConnectionTable::Entry entry = table_.Enter(0, Peer("10.0.0.1:5000"));
  EXPECT_EQ(table_.List()[0].client.family(), AF_UNSPEC);
  for (const char* const client : {"192.0.2.7:4711", "[2001:db8::7]:80"}) {
    entry.ShowClient(Peer(client).AsAddressPort());
    EXPECT_EQ(table_.List()[0].client.ToString(), client);
    EXPECT_EQ(table_.List()[0].peer.ToString(), "10.0.0.1:5000");
  }
}

TEST_F(ConnectionTableTest, NextConnectionOfAPlaceHasNoClientYet) {
  for (int i = 0; i <= ConnectionTable::kMaxEntries; ++i) {  // A new connection takes the place behind the last one.
    ConnectionTable::Entry entry = table_.Enter(0, Endpoint());
    const bool is_looked_at = i % ConnectionTable::kMaxEntries == 0;
    EXPECT_EQ(is_looked_at ? table_.List()[0].client.family() : AF_UNSPEC, AF_UNSPEC);
    entry.ShowClient({*IpAddress::Parse("192.0.2.7"), 1});
  }
}

TEST_F(ConnectionTableTest, AnEntryThatMovesStaysListedOnce) {
  auto entry = std::make_unique<ConnectionTable::Entry>(table_.Enter(0, Peer("127.0.0.1:1")));
  const ConnectionTable::Entry moved = std::move(*entry);
  entry = nullptr;
  EXPECT_EQ(table_.List().size(), 1u);
}

TEST_F(ConnectionTableTest, AConnectionIsListedForTheThreadThatServesItNow) {
  ConnectionTable::Entry entry = table_.Enter(0, Peer("127.0.0.1:1"));
  pid_t other = 0;
  std::thread([&] {
    other = ::gettid();
    entry.MoveToThisThread();
  }).join();
  ASSERT_EQ(table_.List().size(), 1u);
  EXPECT_EQ(table_.List()[0].process, ::getpid());
  EXPECT_EQ(table_.List()[0].thread, other);
  EXPECT_NE(other, ::gettid());
}

TEST_F(ConnectionTableTest, TheChildAndItsConnectionsAreTheChilds) {
  const ConnectionTable::Entry own = table_.Enter(0, Peer("127.0.0.1:1"));
  const pid_t child = ::fork();
  if (child == 0) {
    const ConnectionTable::Entry entry = table_.Enter(1, Peer("127.0.0.1:2"));
    ::_exit(table_.List().size() == 2 ? 0 : 1);  // Without a destructor, as if it were killed.
  }
  int status = -1;
  siginfo_t ended = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  pid_t owner_of_second = 0;  // A zombie still has its number, so its entry is there.
  for (const ConnectionTable::Connection& connection : table_.List()) {
    if (connection.service == 1) owner_of_second = connection.process;
  }
  EXPECT_EQ(owner_of_second, child);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(table_.List().size(), 1u) << "the process is gone, and so are its entries";
  EXPECT_EQ(table_.List()[0].process, ::getpid());
}

TEST_F(ConnectionTableTest, ListsHowManyRequestsWereAnswered) {
  for (int round = 0; round < 2; ++round) {
    ConnectionTable::Entry entry = table_.Enter(0, Peer("127.0.0.1:1"));
    EXPECT_EQ(table_.List()[0].requests, 0) << "the place may have been another one's";
    entry.CountRequests(2);
    entry.CountRequests(3);
    EXPECT_EQ(table_.List()[0].requests, 5);
  }
}

TEST_F(ConnectionTableTest, AFullTableListsNoMore) {
  std::vector<ConnectionTable::Entry> entries;
  for (int i = 0; i < 2 * ConnectionTable::kMaxEntries; ++i) entries.push_back(table_.Enter(0, Peer("127.0.0.1:1")));
  EXPECT_EQ(table_.List().size(), static_cast<size_t>(ConnectionTable::kMaxEntries));
  entries.clear();
  EXPECT_TRUE(table_.List().empty());
}

TEST(ConnectionTableWithoutMemoryTest, ListsNothing) {
  ConnectionTable::Entry entry = ConnectionTable().Enter(0, Endpoint());
  entry.Show(ConnectionTable::Activity::kWorks);
  entry.CountRequests(1);
  EXPECT_TRUE(ConnectionTable().List().empty());
}

}  // namespace
}  // namespace polyserve
