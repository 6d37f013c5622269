#include "tests/scripted_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

void Say(int fd, absl::string_view bytes) { static_cast<void>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL)); }

}  // namespace

ScriptedServer::ScriptedServer()
    : listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())),
      address_(Endpoint::OfSocket(listener_.get())->ToString()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Run(); }) {}

ScriptedServer::~ScriptedServer() {
  {
    const MutexLock lock(mutex_);
    ends_ = true;
  }
  static_cast<void>(::eventfd_write(wake_.get(), 1));
  thread_.join();
}

size_t ScriptedServer::held() const {
  const MutexLock lock(mutex_);
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                           [](const Connection& each) { return !each.answer.empty(); }));
}

size_t ScriptedServer::connections() const {
  const MutexLock lock(mutex_);
  return connections_.size();
}

void ScriptedServer::Release() {
  const MutexLock lock(mutex_);
  releases_ = true;
  for (Connection& connection : connections_) Say(connection.fd.get(), std::exchange(connection.answer, ""));
}

void ScriptedServer::HoldAgain() {
  const MutexLock lock(mutex_);
  releases_ = false;
}

// The descriptors of one wait are those of the connections that there are, behind the first two.
void ScriptedServer::Run() {
  while (true) {
    std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    {
      const MutexLock lock(mutex_);
      if (ends_) return;
      for (const Connection& each : connections_) waits.push_back({each.fd.get(), POLLIN, 0});
    }
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;  // EINTR.
    const MutexLock lock(mutex_);
    auto connection = connections_.begin();
    for (size_t i = 2; i < waits.size(); ++i) {
      const bool stays = waits[i].revents == 0 || Serve(*connection);
      connection = stays ? std::next(connection) : connections_.erase(connection);
    }
    if (waits[1].revents == 0) continue;
    UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.ok()) connections_.push_back({std::move(accepted), "", ""});
  }
}

// False: the connection has ended, on either side.
bool ScriptedServer::Serve(Connection& connection) {
  char buffer[1024];
  const ssize_t count = ::recv(connection.fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (count <= 0) return false;
  connection.received.append(buffer, static_cast<size_t>(count));
  const size_t end = connection.received.find('\n');
  return end == std::string::npos || Obey(connection, absl::string_view(connection.received).substr(0, end));
}

bool ScriptedServer::Obey(Connection& connection, absl::string_view line) {
  const int fd = connection.fd.get();
  if (absl::ConsumePrefix(&line, "say ")) return Say(fd, absl::StrCat(line, "\n")), true;
  if (absl::ConsumePrefix(&line, "hold ")) {
    connection.answer = absl::StrCat(line, "\n");
    if (releases_) Say(fd, std::exchange(connection.answer, ""));
    return true;
  }
  if (absl::ConsumePrefix(&line, "half ")) return Say(fd, line), false;
  if (line == "garble") return Say(fd, "\x1b[2J\n"), true;
  if (line == "flood") return Say(fd, std::string(100'000, 'x')), true;
  if (line == "reset") {
    const linger at_once = {1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  return false;
}

}  // namespace polyserve
