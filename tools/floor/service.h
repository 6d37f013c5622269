// service: what the programs of this folder have in common: a listener, the two services echo and http, and how a
// connection that blocks, or does not, is served. Each program adds one concurrency model, in as few lines as do honest
// work: errors are checked, descriptors closed, children reaped, and the sockets have the options of net/socket.h.
//
//   PROGRAM HOST PORT echo         // Sends back what it receives.
//   PROGRAM HOST PORT http FILE    // Answers "GET /NAME" with FILE, which it has read into memory; NAME is FILE's.
//
// They leave out what a server for people needs beside that: time-outs and limits, logs and counters, a graceful stop
// (SIGTERM ends them at once), and a remedy for a lack of descriptors, processes or memory, which ends them with a
// message. Of http they also leave out all fields of a reply but its length, and requests that arrive in pieces or
// before the reply to the one before.
#ifndef POLYSERVE_TOOLS_FLOOR_SERVICE_H_
#define POLYSERVE_TOOLS_FLOOR_SERVICE_H_

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

namespace polyserve::bare {

// More than any request of a workload, except for the bodies of files, has.
constexpr size_t kBytesPerRead = 16 * 1024;

// Ends the program with this message on standard error.
[[noreturn]] void Quit(const std::string& why);

// Returns what a call has returned; ends the program, with the call's name and errno's reason, if that is negative.
int Check(int result, const char* call);

// A listening socket on an IPv4 address, with the options and the backlog of net/socket.h. `flags` are those of
// socket(2), such as SOCK_NONBLOCK.
UniqueFd Listen(const char* host, const char* port, int flags = 0);

// The next client. Owns nothing if a listener that does not block has none, or if the client has gone meanwhile; any
// other error ends the program. `flags` are those of accept4(2).
inline UniqueFd Accept(const UniqueFd& listener, int flags = 0) {
  UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | flags));
  if (!client.ok() && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) Check(-1, "accept4");
  return client;
}

// What is said on the connections, the same on all. Constant once made, so that threads may share it.
class Service {
 public:
  // Of a program's command line: SERVICE [FILE]. Ends the program if they are not as shown above.
  Service(int count, char** words);

  // What to send for what was received; nothing if that is not understood, and the connection is to be closed.
  std::string_view Answer(std::string_view received) const {
    if (reply_.empty()) return received;
    const bool is_understood = received.starts_with(request_) && received.ends_with("\r\n\r\n");
    return is_understood ? reply_ : std::string_view();
  }

 private:
  std::string request_;  // How a request begins, up to the blank behind the name. Both are empty in echo.
  std::string reply_;
};

// Serves a client with calls that block, from its first byte to its end.
inline void ServeBlocking(const UniqueFd& client, const Service& service) {
  char buffer[kBytesPerRead];
  ssize_t count = 0;
  while ((count = ::recv(client.get(), buffer, sizeof(buffer), 0)) > 0) {
    const std::string_view answer = service.Answer({buffer, static_cast<size_t>(count)});
    const ssize_t size = static_cast<ssize_t>(answer.size());
    // A send(2) that blocks takes all, or has failed.
    if (size == 0 || ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) != size) return;
  }
}

// A connection that does not block. What its socket has not taken waits here, and nothing more is read until it has
// gone: so at most one answer waits.
class Client {
 public:
  explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  // Whether to wait until it is writable, instead of readable.
  bool has_unsent() const { return !unsent_.empty(); }

  // What it waited for has come. False if the client has gone, or says what is not understood: drop it.
  bool OnEvent(const Service& service) {
    return has_unsent() ? Send(std::exchange(unsent_, {})) : ReadAndAnswer(service);
  }

 private:
  bool ReadAndAnswer(const Service& service) {
    char buffer[kBytesPerRead];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (count < 0) return errno == EAGAIN;
    const std::string_view answer = service.Answer({buffer, static_cast<size_t>(count)});
    return count > 0 && !answer.empty() && Send(answer);
  }

  bool Send(std::string_view bytes) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (!bytes.empty()) unsent_ = bytes;
    return true;
  }

  UniqueFd fd_;
  std::string unsent_;
};

}  // namespace polyserve::bare

#endif  // POLYSERVE_TOOLS_FLOOR_SERVICE_H_
