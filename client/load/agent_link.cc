#include "client/load/agent_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/load/agent_messages.h"
#include "client/load/agent_token.h"
#include "client/load/json_fields.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr char kSsh[] = "ssh:";
constexpr size_t kMostAgents = 1000;

// As net/socket.h does it for the other side, the agent's.
void SetKeepAlive(int socket) {
  const auto set = [socket](int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof(value));  // Cannot fail on a socket of TCP.
  };
  const int seconds = static_cast<int>(absl::ToInt64Seconds(kAgentKeepAlive));
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, seconds / kKeepAliveProbes);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

// Runs in the child. Its group is one of its own, so that a Ctrl-C at the terminal does not reach ssh: the agents are
// to send what they have by then. So ssh must not ask at the terminal either (BatchMode). It has to notice a host that
// is lost (ssh_config(5), ServerAliveInterval: three times these seconds).
[[noreturn]] void ExecSsh(const std::string& host, const std::string& program, int socket, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  ::dup2(socket, STDIN_FILENO);
  ::dup2(socket, STDOUT_FILENO);
  ::execlp("ssh", "ssh", "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=10", "--", host.c_str(),
           program.c_str(), "--agent=stdio", nullptr);
  ::_exit(127);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseAgents(absl::string_view list) {
  std::vector<std::string> agents = absl::StrSplit(list, ',');
  if (agents.size() > kMostAgents) return absl::InvalidArgumentError("--agents: there are more than a thousand");
  for (const absl::string_view agent : agents) {
    absl::string_view host = agent;
    const bool is_ssh = absl::ConsumePrefix(&host, kSsh);
    // ssh would take a leading dash for an option, were it not for "--"; there is no such host in any case.
    if (!host.empty() && host.front() != '-' && (is_ssh || absl::StrContains(host, ':'))) continue;
    return absl::InvalidArgumentError(absl::StrCat("--agents: '", agent, "' is not HOST:PORT or ssh:[USER@]HOST"));
  }
  return agents;
}

AgentLink::AgentLink(UniqueFd socket, pid_t ssh)
    : channel_(std::make_unique<AgentChannel>(std::move(socket))), ssh_(ssh) {}

AgentLink::AgentLink(AgentLink&& other) noexcept
    : channel_(std::move(other.channel_)), ssh_(std::exchange(other.ssh_, -1)) {}

AgentLink::~AgentLink() {
  channel_.reset();
  if (ssh_ < 0) return;
  ::kill(ssh_, SIGKILL);
  ::waitpid(ssh_, nullptr, 0);
}

absl::StatusOr<AgentLink> AgentLink::StartSsh(const std::string& host, const std::string& program) {
  // Not pipes: a socket can be written to without waiting, and without SIGPIPE.
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return SysError("socketpair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return SysError("fork");
  if (pid == 0) ExecSsh(host, program, theirs.get(), parent);
  return AgentLink(std::move(ours), pid);
}

absl::StatusOr<AgentLink> AgentLink::Open(const std::string& agent, const Access& access, const Deadline& deadline) {
  absl::string_view host = agent;
  if (absl::ConsumePrefix(&host, kSsh)) {
    absl::StatusOr<AgentLink> link = StartSsh(std::string(host), access.program);
    if (!link.ok()) return link.status();
    if (absl::Status status = link->HearHello(deadline); !status.ok()) return status;
    return link;
  }
  const absl::StatusOr<Endpoints> at = Endpoints::Parse(agent);
  if (!at.ok()) return absl::UnavailableError(at.status().message());
  absl::StatusOr<UniqueFd> socket = ConnectTcp(*at, deadline.Left());
  if (!socket.ok()) return socket.status();
  SetKeepAlive(socket->get());
  AgentLink link(*std::move(socket), -1);
  absl::Status status = link.Prove(access.token, deadline);
  if (status.ok()) status = link.HearHello(deadline);
  if (!status.ok()) return status;
  return link;
}

absl::Status AgentLink::Prove(const std::string& token, const Deadline& deadline) {
  const absl::StatusOr<nlohmann::json> challenge = channel_->Receive(deadline);
  if (!challenge.ok()) return challenge.status();
  absl::Status status = Expect("challenge", *challenge);
  JsonFields fields(*challenge, "challenge");
  const std::string text = fields.Text("challenge");
  status.Update(fields.status());
  return status.ok() ? channel_->Send({{"type", "proof"}, {"proof", ProofOf(token, text)}}, deadline) : status;
}

absl::Status AgentLink::HearHello(const Deadline& deadline) {
  const absl::StatusOr<nlohmann::json> hello = channel_->Receive(deadline);
  return hello.ok() ? CheckHello(*hello) : hello.status();
}

}  // namespace polyserve
