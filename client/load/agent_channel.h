// AgentChannel: one end of the conversation between a coordinator and an agent (agent_messages.h), over a socket, or
// over standard input and output. Every wait has a deadline, and every line a bound.
//
//   AgentChannel channel(std::move(socket));
//   absl::Status sent = channel.Send(HelloMessage(), Deadline(absl::Seconds(10)));
//   absl::StatusOr<nlohmann::json> order = channel.Receive(Deadline(absl::Seconds(10)));
//
//   several at a time:  poll(fd()) ──▶ Fill() ──▶ Next() until it has nothing
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_CHANNEL_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_CHANNEL_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

// Errors of all methods, after which the channel is of no use:
//   Unavailable       the other end has closed, or is gone
//   DeadlineExceeded  it took too long
//   InvalidArgument   what came is no message, or has no end within the bound
// Threads: one may send while another one receives.
class AgentChannel {
 public:
  // Enough for a run with as many rows as there may be, or for the files of an order.
  static constexpr size_t kMostLineBytes = size_t{128} << 20;
  // For a peer that has proved nothing yet.
  static constexpr size_t kMostBytesOfStranger = 4096;

  explicit AgentChannel(UniqueFd socket, size_t most_line_bytes = kMostLineBytes);
  // What is written to `out` may block without regard to the deadline, if that is a pipe.
  AgentChannel(UniqueFd in, UniqueFd out);

  absl::Status Send(const nlohmann::json& message, const Deadline& deadline);
  absl::StatusOr<nlohmann::json> Receive(const Deadline& deadline);

  // To poll for input.
  int fd() const { return in_.get(); }
  // Reads once; blocks unless there is input, or the end of it.
  absl::Status Fill();
  // The next message, if all of it was read.
  absl::StatusOr<std::optional<nlohmann::json>> Next();
  // Whether something was read that Next() has not returned.
  bool has_more() const { return !received_.empty(); }

 private:
  int out() const { return out_.ok() ? out_.get() : in_.get(); }

  UniqueFd in_;
  UniqueFd out_;  // Empty: in_ is for both directions.
  const size_t most_line_bytes_;
  std::string received_;  // What was read, and not returned.
  size_t searched_ = 0;   // As far as that has no end of a line.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_CHANNEL_H_
