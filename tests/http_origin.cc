#include "tests/http_origin.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// Whole, whatever its size: the thread may wait, and the other side reads, or goes.
void Say(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

constexpr int kDripMilliseconds = 5;

constexpr char kNotFound[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

}  // namespace

HttpOrigin::HttpOrigin()
    : listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())),
      address_(Endpoint::OfSocket(listener_.get())->ToString()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

HttpOrigin::~HttpOrigin() { Stop(); }

void HttpOrigin::Start() {
  {
    const MutexLock lock(mutex_);
    ends_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void HttpOrigin::Stop() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    ends_ = true;
  }
  static_cast<void>(::eventfd_write(wake_.get(), 1));
  thread_.join();
}

std::string HttpOrigin::ETagOf(absl::string_view content) {
  return absl::StrCat("\"", absl::Hex(absl::Hash<absl::string_view>()(content)), "\"");
}

void HttpOrigin::Serve(absl::string_view path, Answer answer) {
  const MutexLock lock(mutex_);
  answers_[std::string(path)] = std::move(answer);
}

void HttpOrigin::ServeFile(absl::string_view path, absl::string_view content, absl::string_view fields) {
  const std::string etag = ETagOf(content);
  Serve(path, {.bytes = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", content.size(), "\r\nETag: ", etag, "\r\n",
                                     fields, "\r\n", content),
               .etag = etag});
}

size_t HttpOrigin::requests(absl::string_view path) const {
  const MutexLock lock(mutex_);
  const auto found = asked_.find(path);
  return found == asked_.end() ? 0 : found->second.times;
}

std::string HttpOrigin::last_request(absl::string_view path) const {
  const MutexLock lock(mutex_);
  const auto found = asked_.find(path);
  return found == asked_.end() ? "" : found->second.last;
}

size_t HttpOrigin::held() const {
  const MutexLock lock(mutex_);
  return static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(), [](const Connection& each) { return each.is_held; }));
}

size_t HttpOrigin::connections() const {
  const MutexLock lock(mutex_);
  return connections_.size();
}

// The thread ends those that end with their answer.
void HttpOrigin::Release() {
  {
    const MutexLock lock(mutex_);
    releases_ = true;
  }
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

// The descriptors of one wait are those of the connections that there are, behind the first two.
void HttpOrigin::Run() {
  while (true) {
    std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    int left = -1;
    {
      const MutexLock lock(mutex_);
      if (ends_) return;
      for (const Connection& each : connections_) {
        waits.push_back({each.fd.get(), POLLIN, 0});
        if (!each.answer.drip.empty()) left = kDripMilliseconds;
      }
    }
    if (::poll(waits.data(), waits.size(), left) < 0) continue;  // EINTR.
    eventfd_t wakes = 0;
    static_cast<void>(::eventfd_read(wake_.get(), &wakes));
    const MutexLock lock(mutex_);
    auto connection = connections_.begin();
    for (size_t i = 2; i < waits.size(); ++i) {
      bool stays = waits[i].revents == 0 || Take(*connection);
      if (stays) Drip(*connection);
      if (stays && connection->is_held && releases_) stays = Finish(*connection);
      connection = stays ? std::next(connection) : connections_.erase(connection);
    }
    if (waits[1].revents == 0) continue;
    UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.ok()) connections_.push_back({.fd = std::move(accepted)});
  }
}

// False: the connection has ended, on either side.
bool HttpOrigin::Take(Connection& connection) {
  char buffer[4096];
  const ssize_t count = ::recv(connection.fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (count <= 0) return false;
  connection.received.append(buffer, static_cast<size_t>(count));
  return !absl::EndsWith(connection.received, "\r\n\r\n") || Obey(connection);
}

bool HttpOrigin::Obey(Connection& connection) {
  const std::string request = std::exchange(connection.received, "");
  const std::vector<std::string> words = absl::StrSplit(request, absl::MaxSplits(' ', 2));
  const std::string path = words.size() > 1 ? words[1] : "";
  Asked& asked = asked_[path];
  ++asked.times;
  asked.last = request;
  const auto found = answers_.find(path);
  connection.answer = found == answers_.end() ? Answer{.bytes = kNotFound} : found->second;
  const std::string& etag = connection.answer.etag;
  if (!etag.empty() && absl::StrContains(request, absl::StrCat("If-None-Match: ", etag, "\r\n"))) {
    connection.answer = {.bytes = absl::StrCat("HTTP/1.1 304 Not Modified\r\nETag: ", etag, "\r\n\r\n")};
  }
  Say(connection.fd.get(), connection.answer.bytes);
  connection.is_held = !connection.answer.rest.empty();
  const bool goes_on = (connection.is_held && !releases_) || !connection.answer.drip.empty();
  return goes_on || Finish(connection);
}

void HttpOrigin::Drip(Connection& connection) {
  const std::string& drip = connection.answer.drip;
  if (!drip.empty()) Say(connection.fd.get(), drip.substr(connection.dripped++ % drip.size(), 1));
}

bool HttpOrigin::Finish(Connection& connection) {
  connection.is_held = false;
  Say(connection.fd.get(), connection.answer.rest);
  if (connection.answer.resets) {
    const linger at_once = {1, 0};
    ::setsockopt(connection.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  return connection.answer.stays;
}

}  // namespace polyserve
