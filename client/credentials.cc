#include "client/credentials.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/interrupt.h"
#include "client/terminal.h"

namespace polyserve {

namespace {

constexpr char kVariable[] = "POLYSERVE_PASSWORD";
constexpr size_t kMaxLineBytes = 4096;  // What a terminal passes at once (termios(3)), and more than any password has.

// The first line of what can be read there, without its end. Cancelled if the user interrupts the wait for it.
absl::StatusOr<std::string> ReadFirstLine(int fd, absl::string_view what) {
  std::string line;
  while (line.size() < kMaxLineBytes && !absl::StrContains(line, '\n')) {
    pollfd waits[] = {{fd, POLLIN, 0}, {Interrupt::fd().get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return SysError("poll");
    if (waits[1].revents != 0) return absl::CancelledError("interrupted");
    if (waits[0].revents == 0) continue;
    char bytes[512];
    const ssize_t got = ::read(fd, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError("cannot read", what);
    if (got == 0) break;
    line.append(bytes, static_cast<size_t>(got));
  }
  line.resize(std::min(line.size(), line.find_first_of("\r\n")));
  return line;
}

absl::StatusOr<std::string> ReadPasswordFile(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.ok()) return SysError("cannot open", path);
  return ReadFirstLine(file.get(), path);
}

// Of the controlling terminal, since standard input may be a script.
absl::StatusOr<std::string> AskForPassword(const std::string& user) {
  const UniqueFd fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!fd.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no terminal to ask for the password; --password_file or ", kVariable, " can give it"));
  }
  TerminalGuard terminal(fd.get());
  if (terminal.is_terminal()) {
    termios mode = terminal.found();
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    mode.c_lflag |= ECHONL;
    terminal.SetMode(mode);
  }
  const std::string prompt = absl::StrCat("Password of ", user, ": ");
  if (::write(fd.get(), prompt.data(), prompt.size()) < 0) return SysError("cannot write to", "/dev/tty");
  return ReadFirstLine(fd.get(), "/dev/tty");
}

absl::StatusOr<std::string> FindPassword(const std::string& user, const std::string& password_file) {
  if (!password_file.empty()) return ReadPasswordFile(password_file);
  if (const char* password = ::getenv(kVariable); password != nullptr) return std::string(password);
  return AskForPassword(user);
}

}  // namespace

absl::StatusOr<Credentials> FindCredentials(const std::string& user, const std::string& password_file) {
  if (user.empty() || user.find_first_of(" \r\n") != std::string::npos) {
    return absl::InvalidArgumentError("the name of a user is one word");
  }
  absl::StatusOr<std::string> password = FindPassword(user, password_file);
  if (!password.ok()) return password.status();
  if (password->empty() || password->find_first_of("\r\n") != std::string::npos) {
    return absl::InvalidArgumentError("the password is empty, or more than one line");
  }
  return Credentials{user, *std::move(password)};
}

}  // namespace polyserve
