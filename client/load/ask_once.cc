#include "client/load/ask_once.h"

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/printable.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/load/http_body.h"
#include "client/load/http_head.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kMostBytes = size_t{1} << 30;  // The reply is held in memory, to compare others with.

// A connection on which the request has been sent.
absl::StatusOr<UniqueFd> Ask(const Endpoint& server, absl::string_view request) {
  absl::StatusOr<UniqueFd> fd = ConnectTcp(server, kPatience);
  if (!fd.ok()) return fd.status();
  // For each recv(2), not for all of them together: a large file may take longer than that if it keeps coming. A wait
  // that runs out fails with EAGAIN (SO_RCVTIMEO, socket(7)), which SysError() reports as Unavailable.
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // The socket blocks, so one call sends all of the request.
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return SysError("send");
  return fd;
}

// Everything that comes, until the server closes or is_whole(reply so far) is true.
template <typename IsWhole>
absl::StatusOr<std::string> Hear(const UniqueFd& fd, IsWhole is_whole) {
  std::string reply;
  char buffer[64 * 1024];
  for (ssize_t count; !is_whole(reply) && (count = ::recv(fd.get(), buffer, sizeof(buffer), 0)) != 0;) {
    if (count < 0) return SysError("recv");
    reply.append(buffer, static_cast<size_t>(count));
    // A server that never stops sending must end here, and not in the memory of this machine.
    if (reply.size() > kMostBytes) return absl::InvalidArgumentError("the reply is too large to be checked");
  }
  return reply;
}

}  // namespace

absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request) {
  const absl::StatusOr<UniqueFd> fd = Ask(server, request);
  if (!fd.ok()) return fd.status();
  ::shutdown(fd->get(), SHUT_WR);  // Services that keep connections open close this one behind the reply.
  return Hear(*fd, [](const std::string&) { return false; });
}

// No half-close: a server of HTTP may take it for the client's end. nginx does, and cuts off a reply that its socket
// has not taken yet.
absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path) {
  const absl::StatusOr<UniqueFd> fd =
      Ask(server, absl::StrCat(HttpRequestHead("GET", path, server), "Connection: close\r\n\r\n"));
  if (!fd.ok()) return fd.status();
  // By the length that the head has announced, since a server may keep the connection all the same.
  const absl::StatusOr<std::string> reply = Hear(*fd, [whole = uint64_t{0}](const std::string& so_far) mutable {
    HttpHead head;
    absl::string_view rest = so_far;
    if (whole == 0 && head.Take(rest) == HttpHead::State::kComplete && head.content_length().has_value()) {
      whole = so_far.size() - rest.size() + *head.content_length();
    }
    return whole > 0 && so_far.size() >= whole;
  });
  if (!reply.ok()) return reply.status();
  HttpHead head;
  absl::string_view rest = *reply;
  if (head.Take(rest) != HttpHead::State::kComplete) return absl::InvalidArgumentError("that is no HTTP server");
  if (head.status() != 200) {
    return absl::InvalidArgumentError(
        absl::StrCat("the server says: ", Printable(head.text().substr(0, head.text().find('\r')))));
  }
  // A server that closes too early must not pass: the content becomes the measure of all replies of the run.
  if (head.content_length().has_value()) {
    if (*head.content_length() != rest.size()) return absl::InvalidArgumentError("the reply was cut off");
    return std::string(rest);
  }
  HttpBody body;
  std::string content;
  body.Start(head.text());
  HttpBody::State state = body.Take(rest, content);
  if (state == HttpBody::State::kIncomplete) state = body.TakeEnd();  // Without chunks, the close ends it.
  if (state != HttpBody::State::kComplete) return absl::InvalidArgumentError("the reply was cut off");
  return content;
}

// Host is the one field that HTTP/1.1 requires of every request (RFC 9112, section 3.2). Workloads add only what they
// need: each further field would cost every server time to parse, and could change what it does.
std::string HttpRequestHead(absl::string_view method, absl::string_view path, const Endpoint& server) {
  return absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: ", server.ToString(), "\r\n");
}

}  // namespace polyserve
