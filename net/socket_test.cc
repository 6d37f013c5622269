#include "net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "absl/status/statusor.h"
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

}  // namespace

}  // namespace polyserve
