#include "client/load/ask_once.h"

#include <sys/socket.h>

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

}  // namespace

absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request) {
  absl::StatusOr<UniqueFd> fd = ConnectTcp(server, kPatience);
  if (!fd.ok()) return fd.status();
  // For each recv(2), not for all of them together: a large file may take longer than that if it keeps coming. A wait
  // that runs out fails with EAGAIN (SO_RCVTIMEO, socket(7)), which SysError() reports as Unavailable.
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // The socket blocks, so one call sends all of the request.
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return SysError("send");
  ::shutdown(fd->get(), SHUT_WR);  // Services that keep connections open close this one behind the reply.
  std::string reply;
  char buffer[64 * 1024];
  for (ssize_t count; (count = ::recv(fd->get(), buffer, sizeof(buffer), 0)) != 0;) {
    if (count < 0) return SysError("recv");
    reply.append(buffer, static_cast<size_t>(count));
    // A server that never stops sending must end here, and not in the memory of this machine.
    if (reply.size() > kMostBytes) return absl::InvalidArgumentError("the reply is too large to be checked");
  }
  return reply;
}

// The connection is closed behind the reply, so all of it is here already: what follows the head is the content, and a
// length that differs means that the reply was cut off.
absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path) {
  const absl::StatusOr<std::string> reply =
      AskOnce(server, absl::StrCat(HttpRequestHead("GET", path, server), "Connection: close\r\n\r\n"));
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
