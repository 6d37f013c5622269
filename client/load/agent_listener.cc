#include "client/load/agent_listener.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/load/agent_channel.h"
#include "client/load/agent_messages.h"
#include "client/load/agent_token.h"
#include "client/load/json_fields.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// For a proof, and for the words with which one is refused.
constexpr absl::Duration kPatience = absl::Seconds(10);
// Processes at a time: the run, and strangers that have not proved anything yet.
constexpr int kMostProcesses = 16;
constexpr int kPauseMilliseconds = 100;
constexpr absl::Duration kMoment = absl::Seconds(1);
constexpr int kTickMilliseconds = 10;

bool IsLoopback(const Endpoint& endpoint) {
  const std::string host = endpoint.AsV4().Host();
  return absl::StartsWith(host, "127.") || host == "::1";
}

// The lock belongs to the process, and an image that it executes keeps it; the kernel gives it back at its end,
// whatever that is (fcntl(2), advisory record locking). A run that has just ended may have it for a moment more.
bool IsOnlyOne(int lock) {
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const Deadline deadline(kMoment);
  while (::fcntl(lock, F_SETLK, &whole) != 0) {
    if (deadline.passed()) return false;
    ::poll(nullptr, 0, kTickMilliseconds);
  }
  return true;
}

absl::Status Admit(AgentChannel& channel, const std::string& token, int lock) {
  const Deadline deadline(kPatience);
  const std::string challenge = NewChallenge();
  absl::Status status = channel.Send({{"type", "challenge"}, {"challenge", challenge}}, deadline);
  if (!status.ok()) return status;
  const absl::StatusOr<nlohmann::json> message = channel.Receive(deadline);
  if (!message.ok()) return message.status();
  JsonFields fields(*message, "proof");
  // What came with the proof would be lost with this image; a coordinator waits for the hello.
  if (TypeOf(*message) != "proof" || !IsProof(fields.Text("proof"), token, challenge) || channel.has_more()) {
    return absl::PermissionDeniedError("the token is not the one of this agent");
  }
  if (IsOnlyOne(lock)) return absl::OkStatus();
  return absl::ResourceExhaustedError("another coordinator has this agent");
}

// In a child.
[[noreturn]] void Serve(UniqueFd connection, const std::string& peer, const std::string& token, int lock,
                        pid_t parent) {
  // A run ends with its agent. First the request, then the look at the parent, which may have ended before it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  AgentChannel channel(std::move(connection), AgentChannel::kMostBytesOfStranger);
  const absl::Status status = Admit(channel, token, lock);
  fprintf(stderr, "load: agent: %s: %s\n", peer.c_str(),
          status.ok() ? "begins" : std::string(status.message()).c_str());
  if (!status.ok()) {
    channel.Send(ErrorMessage(status), Deadline(kPatience)).IgnoreError();
    ::_exit(1);
  }
  // The copies stay open in the new image.
  if (::dup2(channel.fd(), STDIN_FILENO) < 0 || ::dup2(channel.fd(), STDOUT_FILENO) < 0) ::_exit(1);
  ::execl("/proc/self/exe", "load", "--agent=stdio", nullptr);
  ::_exit(1);
}

// Returns how many of the children are left.
int Reap(int children) {
  while (children > 0 && ::waitpid(-1, nullptr, WNOHANG) > 0) --children;
  return children;
}

}  // namespace

absl::Status ServeCoordinators(const std::string& at, const std::string& token) {
  const absl::StatusOr<Endpoint> address = Endpoint::Parse(at);
  if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("--agent: ", address.status().message()));
  if (token.empty() && !IsLoopback(*address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--agent=", at, " needs --token_file: others can reach this address"));
  }
  const absl::StatusOr<UniqueFd> listener =
      ListenTcp(*address, absl::InfiniteDuration(), {.keep_alive = kAgentKeepAlive});
  if (!listener.ok()) return listener.status();
  const absl::StatusOr<Endpoint> bound = Endpoint::OfSocket(listener->get());
  if (!bound.ok()) return bound.status();
  const UniqueFd lock(::memfd_create("load agent", 0));  // Not closed on exec.
  if (!lock.ok()) return SysError("memfd_create");
  printf("load: agent at %s\n", bound->ToString().c_str());
  fflush(stdout);
  for (int children = 0;;) {
    pollfd wait = {listener->get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return SysError("poll");
    UniqueFd connection(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    // The system has no descriptor left now: a pause, since the connection still waits.
    if (!connection.ok() && errno != EAGAIN && errno != ECONNABORTED) ::poll(nullptr, 0, kPauseMilliseconds);
    children = Reap(children);
    // Closed again: what is in excess, and what has left already.
    const absl::StatusOr<Endpoint> peer = Endpoint::OfPeer(connection.get());
    if (!connection.ok() || !peer.ok() || children == kMostProcesses) continue;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) Serve(std::move(connection), peer->ToString(), token, lock.get(), parent);
    if (child > 0) ++children;
  }
}

}  // namespace polyserve
