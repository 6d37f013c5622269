#include "net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

template <typename Value>
Value Option(const UniqueFd& fd, int level, int option) {
  Value value = {};
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(fd.get(), level, option, &value, &size), 0);
  return value;
}

UniqueFd Listen(const ListenOptions& options, absl::Duration idle_timeout = absl::InfiniteDuration()) {
  return *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), idle_timeout, options);
}

// A connection of the listener, as the server has it.
UniqueFd AcceptOne(const UniqueFd& listener) {
  const absl::StatusOr<UniqueFd> client = ConnectTcp(*Endpoint::OfSocket(listener.get()), absl::Seconds(60));
  EXPECT_TRUE(client.ok()) << client.status();
  return UniqueFd(::accept(listener.get(), nullptr, nullptr));
}

// The bound of a listener's queue; see tcp(7), TCP_INFO, and tcp_get_info() of Linux.
uint32_t BacklogOf(const UniqueFd& listener) { return Option<tcp_info>(listener, IPPROTO_TCP, TCP_INFO).tcpi_sacked; }

TEST(ListenTest, ConnectionsInheritWhatWasAskedFor) {
  const UniqueFd connection = AcceptOne(Listen({.no_delay = true, .buffer_bytes = 10'000}, absl::Seconds(70)));
  EXPECT_EQ(Option<int>(connection, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(Option<int>(connection, SOL_SOCKET, SO_SNDBUF), 20'000);
  EXPECT_EQ(Option<int>(connection, SOL_SOCKET, SO_RCVBUF), 20'000);
  EXPECT_EQ(Option<timeval>(connection, SOL_SOCKET, SO_RCVTIMEO).tv_sec, 70);
  EXPECT_EQ(Option<timeval>(connection, SOL_SOCKET, SO_SNDTIMEO).tv_sec, 70);
}

TEST(ListenTest, WhatWasNotAskedForIsLeftToTheKernel) {
  const UniqueFd as_it_comes(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd listener = Listen({.no_delay = false});
  EXPECT_EQ(Option<int>(listener, SOL_SOCKET, SO_RCVBUF), Option<int>(as_it_comes, SOL_SOCKET, SO_RCVBUF));
  const UniqueFd connection = AcceptOne(listener);
  EXPECT_EQ(Option<int>(connection, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(Option<timeval>(connection, SOL_SOCKET, SO_RCVTIMEO).tv_sec, 0);
}

TEST(ListenTest, KernelAsksWhetherThePeerIsStillThere) {
  const UniqueFd connection = AcceptOne(Listen({.keep_alive = absl::Seconds(60)}));
  EXPECT_EQ(Option<int>(connection, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(Option<int>(connection, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(Option<int>(connection, IPPROTO_TCP, TCP_KEEPINTVL), 15);
  EXPECT_EQ(Option<int>(connection, IPPROTO_TCP, TCP_KEEPCNT), kKeepAliveProbes);
  const UniqueFd never_asked = AcceptOne(Listen({.keep_alive = absl::InfiniteDuration()}));
  EXPECT_EQ(Option<int>(never_asked, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(ListenTest, BacklogIsWhatWasAskedFor) { EXPECT_EQ(BacklogOf(Listen({.backlog = 7})), 7u); }

TEST(ListenTest, ListenerBesideAnotherIsLikeIt) {
  const ListenOptions options = {.backlog = 5, .no_delay = false, .buffer_bytes = 8'000};
  const UniqueFd first = Listen(options);
  const absl::StatusOr<UniqueFd> second = ListenBeside(first.get(), absl::InfiniteDuration(), options);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Endpoint::OfSocket(second->get())->ToString(), Endpoint::OfSocket(first.get())->ToString());
  EXPECT_EQ(BacklogOf(*second), 5u);
  EXPECT_EQ(Option<int>(*second, SOL_SOCKET, SO_SNDBUF), 16'000);
}

TEST(ConnectTcpTest, TriesEveryAddressInOrder) {
  const UniqueFd listener = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  const Endpoint live = *Endpoint::OfSocket(listener.get()), dead = *Endpoint::Parse("127.0.0.1:1");
  const Endpoint other_family = *Endpoint::Parse(absl::StrCat("[::1]:", live.port()));
  const absl::StatusOr<UniqueFd> client = ConnectTcp(Endpoints({other_family, dead, live}), absl::Seconds(60));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(*Endpoint::OfPeer(client->get()), live);
  const absl::Status status = ConnectTcp(Endpoints({other_family, dead}), absl::Seconds(60)).status();
  EXPECT_NE(status.message().find("127.0.0.1:1"), absl::string_view::npos) << "the last one's error: " << status;
}

// A simultaneous open with one end: what happens by chance if no program listens at a port of the ephemeral range.
TEST(ConnectTcpTest, ConnectionToItselfIsRefusedAndKeepsNoPort) {
  Endpoint own;
  {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const Endpoint any = *Endpoint::Parse("127.0.0.1:0");
    ASSERT_EQ(::bind(fd.get(), any.address(), any.size()), 0);
    own = *Endpoint::OfSocket(fd.get());
    ASSERT_TRUE(::connect(fd.get(), own.address(), own.size()) == 0 || errno == EINPROGRESS);
    EXPECT_FALSE(AwaitConnected(fd.get(), own, absl::Seconds(60)).ok());
  }
  const UniqueFd again(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(again.get(), own.address(), own.size()), 0) << "not even in TIME_WAIT";
}

}  // namespace

}  // namespace polyserve
