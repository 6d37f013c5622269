#include "load/ask_once.h"

#include <sys/socket.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kMostBytes = size_t{1} << 30;

}  // namespace

absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request) {
  absl::StatusOr<UniqueFd> fd = ConnectTcp(server, kPatience);
  if (!fd.ok()) return fd.status();
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return SysError("send");
  ::shutdown(fd->get(), SHUT_WR);
  std::string reply;
  char buffer[64 * 1024];
  for (ssize_t count; (count = ::recv(fd->get(), buffer, sizeof(buffer), 0)) != 0;) {
    if (count < 0) return SysError("recv");
    reply.append(buffer, static_cast<size_t>(count));
    if (reply.size() > kMostBytes) return absl::InvalidArgumentError("the reply is too large to be checked");
  }
  return reply;
}

absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path) {
  const absl::StatusOr<std::string> reply =
      AskOnce(server, absl::StrCat(HttpRequestHead("GET", path, server), "Connection: close\r\n\r\n"));
  if (!reply.ok()) return reply.status();
  const size_t end = reply->find("\r\n\r\n");
  if (!absl::StartsWith(*reply, "HTTP/1.1 200 ") || end == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("the server says: ", reply->substr(0, reply->find('\r'))));
  }
  return reply->substr(end + 4);
}

std::string HttpRequestHead(absl::string_view method, absl::string_view path, const Endpoint& server) {
  return absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: ", server.ToString(), "\r\n");
}

}  // namespace polyserve
