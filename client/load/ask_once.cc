#include "client/load/ask_once.h"

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/printable.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/load/http_body.h"
#include "client/load/http_head.h"
#include "client/tls.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kMostBytes = size_t{1} << 30;  // The reply is held in memory, to compare others with.

// A connection on which the request has been sent.
struct Asked {
  UniqueFd fd;
  std::unique_ptr<TlsSocket> tls;  // Null: in the clear. Destroyed before its socket.
};

absl::StatusOr<Asked> AskByTls(UniqueFd fd, absl::string_view request, const LoadTls& tls) {
  if (absl::Status status = SetNonBlocking(fd.get(), true); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<TlsSocket>> opened = tls.Open(fd.get(), kPatience);
  if (!opened.ok()) return opened.status();
  TlsSocket& socket = **opened;
  while (!request.empty()) {
    size_t count = 0;
    const TlsSocket::Result result = socket.Write(request, count);
    if (result == TlsSocket::Result::kDone) {
      request.remove_prefix(count);
    } else if (result != TlsSocket::Result::kWaits) {
      return absl::UnavailableError(socket.failure());
    } else if (absl::Status status = LoadTls::Await(socket, fd.get(), kPatience); !status.ok()) {
      return status;
    }
  }
  return Asked{std::move(fd), *std::move(opened)};
}

absl::StatusOr<Asked> Ask(const Endpoint& server, absl::string_view request, const LoadTls* tls) {
  absl::StatusOr<UniqueFd> fd = ConnectTcp(server, kPatience);
  if (!fd.ok()) return fd.status();
  if (tls != nullptr) return AskByTls(*std::move(fd), request, *tls);
  // For each recv(2), not for all of them together: a large file may take longer than that if it keeps coming. A wait
  // that runs out fails with EAGAIN (SO_RCVTIMEO, socket(7)), which SysError() reports as Unavailable.
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // The socket blocks, so one call sends all of the request.
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return SysError("send");
  return Asked{*std::move(fd), nullptr};
}

// How many bytes have come; 0: the server has closed, over TLS in good order.
absl::StatusOr<size_t> Receive(const Asked& asked, char* buffer, size_t size) {
  while (asked.tls != nullptr) {
    size_t count = 0;
    const TlsSocket::Result result = asked.tls->Read(buffer, size, count);
    if (result == TlsSocket::Result::kDone) return count;
    if (result == TlsSocket::Result::kEnd) return size_t{0};
    if (result == TlsSocket::Result::kFailed) return absl::UnavailableError(asked.tls->failure());
    if (absl::Status status = LoadTls::Await(*asked.tls, asked.fd.get(), kPatience); !status.ok()) return status;
  }
  const ssize_t count = ::recv(asked.fd.get(), buffer, size, 0);
  if (count < 0) return SysError("recv");
  return static_cast<size_t>(count);
}

// Everything that comes, until the server closes or is_whole(reply so far) is true.
template <typename IsWhole>
absl::StatusOr<std::string> Hear(const Asked& asked, IsWhole is_whole) {
  std::string reply;
  char buffer[64 * 1024];
  while (!is_whole(reply)) {
    const absl::StatusOr<size_t> count = Receive(asked, buffer, sizeof(buffer));
    if (!count.ok()) return count.status();
    if (*count == 0) break;
    reply.append(buffer, *count);
    // A server that never stops sending must end here, and not in the memory of this machine.
    if (reply.size() > kMostBytes) return absl::InvalidArgumentError("the reply is too large to be checked");
  }
  return reply;
}

}  // namespace

absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request, const LoadTls* tls) {
  const absl::StatusOr<Asked> asked = Ask(server, request, tls);
  if (!asked.ok()) return asked.status();
  // Services that keep connections open close this one behind the reply.
  if (asked->tls != nullptr) {
    asked->tls->SendEnd();
  } else {
    ::shutdown(asked->fd.get(), SHUT_WR);
  }
  return Hear(*asked, [](const std::string&) { return false; });
}

// No half-close: a server of HTTP may take it for the client's end. nginx does, and cuts off a reply that its socket
// has not taken yet.
absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path, const LoadTls* tls) {
  const absl::StatusOr<Asked> asked =
      Ask(server, absl::StrCat(HttpRequestHead("GET", path, server), "Connection: close\r\n\r\n"), tls);
  if (!asked.ok()) return asked.status();
  // By the length that the head has announced, since a server may keep the connection all the same.
  const absl::StatusOr<std::string> reply = Hear(*asked, [whole = uint64_t{0}](const std::string& so_far) mutable {
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
