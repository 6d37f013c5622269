#include "load/workloads.h"

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr size_t kMostBytes = size_t{1} << 30;

ExchangeFactory Fixed(std::string request, std::string reply) {
  auto shared_request = std::make_shared<const std::string>(std::move(request));
  auto shared_reply = std::make_shared<const std::string>(std::move(reply));
  return [=] { return std::make_unique<FixedExchange>(shared_request, shared_reply); };
}

// All that the server sends to this, until it closes.
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

absl::StatusOr<ExchangeFactory> PrepareEcho(const WorkloadOptions& options, const Endpoint&) {
  if (options.size < 1 || options.size > kMostBytes) return absl::InvalidArgumentError("--size is 1 to 1 GiB");
  std::string message(options.size, '\0');
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<char>('!' + i % 90);  // Printable, not uniform.
  return Fixed(message, message);
}

absl::StatusOr<ExchangeFactory> PrepareCompute(const WorkloadOptions& options, const Endpoint& server) {
  const std::string request = absl::StrCat("PRIMES ", options.primes, "\n");
  const absl::StatusOr<std::string> reply = AskOnce(server, request);
  if (!reply.ok()) return reply.status();
  if (!absl::StartsWith(*reply, "OK ")) return absl::InvalidArgumentError(absl::StrCat("the server says: ", *reply));
  return Fixed(request, *reply);
}

absl::StatusOr<ExchangeFactory> PrepareDownload(const WorkloadOptions& options, const Endpoint& server) {
  if (options.name.empty()) return absl::InvalidArgumentError("--name is missing: the file to ask for");
  const std::string request = absl::StrCat("G ", options.name, "\n");
  const absl::StatusOr<std::string> reply = AskOnce(server, request);
  if (!reply.ok()) return reply.status();
  if (!absl::StartsWith(*reply, "OK ")) return absl::InvalidArgumentError(absl::StrCat("the server says: ", *reply));
  return Fixed(request, *reply);
}

absl::StatusOr<ExchangeFactory> PrepareHttp(const WorkloadOptions& options, const Endpoint& server) {
  const std::string head = absl::StrCat("GET /", options.name, " HTTP/1.1\r\nHost: ", server.ToString(), "\r\n");
  const absl::StatusOr<std::string> reply = AskOnce(server, absl::StrCat(head, "Connection: close\r\n\r\n"));
  if (!reply.ok()) return reply.status();
  const size_t end = reply->find("\r\n\r\n");
  if (!absl::StartsWith(*reply, "HTTP/1.1 200 ") || end == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("the server says: ", reply->substr(0, reply->find('\r'))));
  }
  auto request = std::make_shared<const std::string>(absl::StrCat(head, "\r\n"));
  auto content = std::make_shared<const std::string>(reply->substr(end + 4));
  return [=] { return std::make_unique<HttpExchange>(request, content); };
}

constexpr Workload kWorkloads[] = {
    {"echo", "echo", "messages of --size bytes, which come back", false, &PrepareEcho},
    {"churn", "echo", "connect, one message of --size bytes, close", true, &PrepareEcho},
    {"http", "http", "GET /NAME on connections that are kept", false, &PrepareHttp},
    {"http-close", "http", "GET /NAME, a new connection each", true, &PrepareHttp},
    {"download", "file", "the file NAME by the file service", false, &PrepareDownload},
    {"compute", "compute", "the sum of the primes below --primes", false, &PrepareCompute},
};

}  // namespace

absl::Span<const Workload> AllWorkloads() { return kWorkloads; }

const Workload* FindWorkload(absl::string_view name) {
  for (const Workload& workload : kWorkloads) {
    if (name == workload.name) return &workload;
  }
  return nullptr;
}

}  // namespace polyserve
