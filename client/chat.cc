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

// The course's clients leave in this way.
constexpr absl::string_view kLeave = "##";
// The longest line that the server may send. A member's command has at most 1 KiB (protocol/chat/session.h), and the
// message made of it is hardly longer.
constexpr size_t kMaxLineBytes = 4096;

// The time in the room, from the server's OK to its EXIT:
//
//   joined ── "##", end of the input, or an interrupt: "E <name>" ──▶ is_leaving_ ── "EXIT" ──▶ has_left_
//
// One thread serves both sides: Attend() waits for whichever comes first.
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
  // Waits for the user, an interrupt, or a message, without a time limit: nothing may happen in a room for hours. Once
  // the user leaves, only the server's last line is still to come, and that wait has the connection's time-out; a
  // further interrupt cancels it (ConnectionOptions::cancel).
  absl::Status Attend() {
    const bool listens = !is_leaving_;
    // poll(2) ignores entries with a negative descriptor.
    pollfd waits[] = {{connection_.fd(), POLLIN, 0},
                      {listens ? options_.input : -1, POLLIN, 0},
                      {listens ? Interrupt::fd().get() : -1, POLLIN, 0}};
    if (is_leaving_) return HearMore();
    // EINTR: a signal. If it was SIGCONT, a shell has written to the terminal while this program was stopped.
    if (::poll(waits, 3, -1) < 0) screen_.Redraw();
    // Clear() makes the next interrupt a first one, which cancels; without it, that one would end the process at once.
    if (Interrupt::pending()) {
      Interrupt::Clear();
      return Leave();
    }
    // Any event counts, not POLLIN alone: a pipe whose writer has gone reports only POLLHUP, and then read(2) returns
    // the end.
    if (waits[1].revents == 0) return absl::OkStatus();
    for (const std::string& line : screen_.Read()) {
      if (absl::Status status = OnTyped(line); !status.ok() || is_leaving_) return status;
    }
    return screen_.is_at_end() ? Leave() : absl::OkStatus();
  }

  // The server does not confirm a message. A refusal ("ERR 413 ...") arrives later, and is shown like a message.
  absl::Status OnTyped(absl::string_view line) {
    absl::ConsumeSuffix(&line, "\r");
    if (line == kLeave) return Leave();
    if (line.empty()) return absl::OkStatus();
    return connection_.Write(absl::StrCat("C ", options_.name, " ", line, "\n"));
  }

  // Tells the server, and stops reading input. Messages that are under way are still shown, until the server says
  // "EXIT".
  absl::Status Leave() {
    is_leaving_ = true;
    return connection_.Write(absl::StrCat("E ", options_.name, "\n"));
  }

  // Shows what has arrived already. poll(2) would not report it: the connection may have it in its buffer.
  absl::Status HearAll() {
    while (!has_left_ && !connection_.is_quiet()) {
      if (absl::Status status = HearMore(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // While the user stays, "EXIT" is a message like any other.
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

// Sends a command, and awaits its OK. `name` is for the error.
absl::Status Ask(Connection& connection, absl::string_view command, absl::string_view name) {
  if (absl::Status status = connection.Write(absl::StrCat(command, "\n")); !status.ok()) return status;
  const absl::StatusOr<absl::string_view> answer = connection.ReadLine(kMaxLineBytes);
  if (!answer.ok()) return answer.status();
  if (*answer == "OK") return absl::OkStatus();
  if (absl::StartsWith(*answer, "ERR ")) {
    return absl::FailedPreconditionError(absl::StrCat(name, ": ", answer->substr(4)));
  }
  return absl::DataLossError("that is no chat server");
}

}  // namespace

absl::Status Chat(const ChatOptions& options) {
  if (options.name.empty() || absl::StrContains(options.name, '\n')) {
    return absl::InvalidArgumentError("the name is empty, or more than one line");
  }
  // The server judges the name. Only a line end must not pass, since it would make two commands of one.
  absl::StatusOr<Connection> connection = Connection::Open(options.server, options.connection);
  if (!connection.ok()) return connection.status();
  if (const auto& [user, password] = options.connection.credentials; !user.empty()) {
    const absl::Status status = Ask(*connection, absl::StrCat("A ", user, " ", password), user);
    if (!status.ok()) return status;
  }
  const absl::Status status = Ask(*connection, absl::StrCat("L ", options.name), options.name);
  return status.ok() ? Visit(*connection, options).Run() : status;
}

}  // namespace polyserve
