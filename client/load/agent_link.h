// AgentLink: the coordinator's way to an agent: a TCP connection to one that listens (agent_listener.h), or an ssh(1)
// of its own that starts one on its host.
//
//   "10.0.0.7:9000"      with the token, see agent_token.h
//   "ssh:ada@10.0.0.7"   runs `ssh ada@10.0.0.7 load --agent=stdio`; needs no token, and is encrypted
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_LINK_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_LINK_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/agent_channel.h"
#include "net/deadline.h"

namespace polyserve {

// The names of --agents, which commas separate. InvalidArgument: one is of neither form, there are none, or more than a
// thousand.
absl::StatusOr<std::vector<std::string>> ParseAgents(absl::string_view list);

// Threads: one at a time, and the one that opened it must live as long (PR_SET_PDEATHSIG).
class AgentLink {
 public:
  struct Access {
    std::string token;    // "": none.
    std::string program;  // The load generator, for the shell of a host that ssh reaches.
  };

  // Connects, proves the token, and hears the agent's hello; blocks until the deadline. `agent` is one that
  // ParseAgents() has returned. Errors are about the agent, without its name: Unavailable, DeadlineExceeded,
  // InvalidArgument (it is none), FailedPrecondition (another version), or the agent's own (it has another token, or
  // another coordinator). What ssh complains of goes to standard error.
  static absl::StatusOr<AgentLink> Open(const std::string& agent, const Access& access, const Deadline& deadline);

  // Closes the channel, which ends the agent's work, and ends ssh.
  ~AgentLink();
  AgentLink(AgentLink&& other) noexcept;
  AgentLink& operator=(AgentLink&&) = delete;

  AgentChannel& channel() { return *channel_; }

 private:
  AgentLink(UniqueFd socket, pid_t ssh);
  static absl::StatusOr<AgentLink> StartSsh(const std::string& host, const std::string& program);

  absl::Status Prove(const std::string& token, const Deadline& deadline);
  absl::Status HearHello(const Deadline& deadline);

  std::unique_ptr<AgentChannel> channel_;
  pid_t ssh_;  // -1: none.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_LINK_H_
