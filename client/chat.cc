#include "client/chat.h"

#include <poll.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/chat_screen.h"
#include "client/interrupt.h"

namespace polyserve {

namespace {

constexpr absl::string_view kLeave = "##";
constexpr size_t kMaxLineBytes = 4096;  // Of the server's.

class Visit {
 public:
  Visit(Connection& connection, const ChatOptions& options)
      : connection_(connection), options_(options), screen_(options.input, options.output) {}

  absl::Status Run() {
    while (!has_left_) {
      absl::Status status = HearAll();
      if (status.ok() && !has_left_) status = Attend();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  // Waits for the user, an interrupt, or a message.
  absl::Status Attend() {
    const bool listens = !is_leaving_;
    pollfd waits[] = {{connection_.fd(), POLLIN, 0},
                      {listens ? options_.input : -1, POLLIN, 0},
                      {listens ? Interrupt::fd().get() : -1, POLLIN, 0}};
    if (is_leaving_) return HearMore();              // Bounded by the connection's time-out.
    if (::poll(waits, 3, -1) < 0) screen_.Redraw();  // A signal: we may have been stopped, and go on.
    if (Interrupt::pending()) {
      Interrupt::Clear();
      return Leave();
    }
    if (waits[1].revents == 0) return absl::OkStatus();
    for (const std::string& line : screen_.Read()) {
      if (absl::Status status = OnTyped(line); !status.ok() || is_leaving_) return status;
    }
    return screen_.is_at_end() ? Leave() : absl::OkStatus();
  }

  absl::Status OnTyped(absl::string_view line) {
    absl::ConsumeSuffix(&line, "\r");
    if (line == kLeave) return Leave();
    if (line.empty()) return absl::OkStatus();
    return connection_.Write(absl::StrCat("C ", options_.name, " ", line, "\n"));
  }

  // Says so; the server's last word is still to come.
  absl::Status Leave() {
    is_leaving_ = true;
    return connection_.Write(absl::StrCat("E ", options_.name, "\n"));
  }

  // Shows what has come already.
  absl::Status HearAll() {
    while (!has_left_ && !connection_.is_quiet()) {
      if (absl::Status status = HearMore(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status HearMore() {
    const absl::StatusOr<absl::string_view> line = connection_.ReadLine(kMaxLineBytes);
    if (!line.ok()) return line.status();
    has_left_ = is_leaving_ && *line == "EXIT";
    if (!has_left_) screen_.Show(*line);
    return absl::OkStatus();
  }

  Connection& connection_;
  const ChatOptions& options_;
  ChatScreen screen_;
  bool is_leaving_ = false;
  bool has_left_ = false;
};

}  // namespace

absl::Status Chat(const ChatOptions& options) {
  if (options.name.empty() || absl::StrContains(options.name, '\n')) {
    return absl::InvalidArgumentError("the name is empty, or more than one line");
  }
  absl::StatusOr<Connection> connection = Connection::Open(options.server, options.connection);
  if (!connection.ok()) return connection.status();
  if (absl::Status status = connection->Write(absl::StrCat("L ", options.name, "\n")); !status.ok()) return status;
  const absl::StatusOr<absl::string_view> answer = connection->ReadLine(kMaxLineBytes);
  if (!answer.ok()) return answer.status();
  if (*answer == "OK") return Visit(*connection, options).Run();
  if (absl::StartsWith(*answer, "ERR ")) {
    return absl::FailedPreconditionError(absl::StrCat(options.name, ": ", answer->substr(4)));
  }
  return absl::DataLossError("that is no chat server");
}

}  // namespace polyserve
