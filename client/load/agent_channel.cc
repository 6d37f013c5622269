#include "client/load/agent_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/sys_error.h"
#include "client/load/agent_messages.h"

namespace polyserve {

namespace {

constexpr size_t kReadBytes = 64 * 1024;

absl::Status Gone() { return absl::UnavailableError("has closed the connection"); }

// A socket is written to without waiting, so that a peer that does not read cannot hold the sender up.
ssize_t WriteSome(int fd, absl::string_view bytes) {
  const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count < 0 && errno == ENOTSOCK ? ::write(fd, bytes.data(), bytes.size()) : count;
}

absl::Status Await(int fd, short events, const Deadline& deadline) {
  pollfd wait = {fd, events, 0};
  while (true) {
    const int ready = ::poll(&wait, 1, deadline.PollMilliseconds());
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SysError("poll");
    if (deadline.passed()) return absl::DeadlineExceededError("does not answer in time");
  }
}

}  // namespace

AgentChannel::AgentChannel(UniqueFd socket, size_t most_line_bytes)
    : in_(std::move(socket)), most_line_bytes_(most_line_bytes) {}

AgentChannel::AgentChannel(UniqueFd in, UniqueFd out)
    : in_(std::move(in)), out_(std::move(out)), most_line_bytes_(kMostLineBytes) {}

absl::Status AgentChannel::Send(const nlohmann::json& message, const Deadline& deadline) {
  const std::string line = AsLine(message);
  for (absl::string_view left = line; !left.empty();) {
    const ssize_t count = WriteSome(out(), left);
    if (count >= 0) {
      left.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      if (absl::Status status = Await(out(), POLLOUT, deadline); !status.ok()) return status;
    } else if (errno != EINTR) {
      return Gone();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::json> AgentChannel::Receive(const Deadline& deadline) {
  while (true) {
    absl::StatusOr<std::optional<nlohmann::json>> next = Next();
    if (!next.ok()) return next.status();
    if (next->has_value()) return **std::move(next);
    absl::Status status = Await(fd(), POLLIN, deadline);
    if (status.ok()) status = Fill();
    if (!status.ok()) return status;
  }
}

absl::Status AgentChannel::Fill() {
  const size_t before = received_.size();
  received_.resize(before + kReadBytes);
  const ssize_t count = ::read(fd(), received_.data() + before, kReadBytes);
  const bool is_nothing = count < 0 && (errno == EINTR || errno == EAGAIN);
  received_.resize(before + static_cast<size_t>(count > 0 ? count : 0));
  return count > 0 || is_nothing ? absl::OkStatus() : Gone();
}

absl::StatusOr<std::optional<nlohmann::json>> AgentChannel::Next() {
  const size_t end = received_.find('\n', searched_);
  if (end == std::string::npos ? received_.size() > most_line_bytes_ : end > most_line_bytes_) {
    return absl::InvalidArgumentError(absl::StrCat("sends a line of more than ", most_line_bytes_, " bytes"));
  }
  if (end == std::string::npos) {
    searched_ = received_.size();
    return std::nullopt;
  }
  absl::StatusOr<nlohmann::json> message = ParseMessage(absl::string_view(received_).substr(0, end));
  received_.erase(0, end + 1);
  searched_ = 0;
  if (!message.ok()) return message.status();
  return std::optional<nlohmann::json>(*std::move(message));
}

}  // namespace polyserve
