// HostLoop: the event loop of the host of programs (programs/host.h).
//
//   request_fd ─▶ the socket of a new client ─▶ fork, exec
//   the other end of it was closed ─▶ SIGTERM ─▶ after kill_after: SIGKILL
//   or both directions have ended in good order ─▶ when nothing was read for kill_after: SIGTERM, as above
//   SIGCHLD ─▶ the rest of its process group is killed, and its socket is shut down: the other side sees the end
//   standard error ─▶ a line of the log for each line; what a client can cause at will is limited (LOG_FLOOD)
//   request_fd ─▶ the server stops ─▶ SIGTERM to all, so early that SIGKILL comes within the drain time-out
//
// A program that has ended is noticed however many of its descendants still hold its socket. One thread, in a process
// that has no other children.
#ifndef POLYSERVE_PROGRAMS_HOST_LOOP_H_
#define POLYSERVE_PROGRAMS_HOST_LOOP_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/fd_passing.h"

namespace polyserve {

struct HostOptions {
  // The programs: the path and the arguments of each. A request names one by its place here.
  std::vector<std::vector<std::string>> commands;
  // The most at a time; a client beyond it is turned away.
  size_t max_programs;
  // From SIGTERM to SIGKILL.
  absl::Duration kill_after;
  // Of the server. Programs have the first half of it at least before they are told to end.
  absl::Duration drain_timeout;
  // Called in the host for each client that gets no program, but for the log.
  std::function<void()> on_refusal = [] {};
};

class HostLoop {
 public:
  // The request_fd stays the caller's, and must outlive it; becomes non-blocking. Blocks SIGCHLD, which it takes by a
  // descriptor. Fails if the system has no descriptor left.
  static absl::StatusOr<std::unique_ptr<HostLoop>> Create(int request_fd, HostOptions options);

  // Blocks until no process holds the other end of the request_fd any more, and then until all programs have ended,
  // which have to hurry. Fails only if the kernel refuses to wait.
  absl::Status Run();

 private:
  // A client that waits for its program.
  struct Request {
    size_t number;  // Of the command.
    uint64_t name;  // Of the socket; see host_request.h.
    std::string address;
    UniqueFd stream;  // The program's end of its socket.
    bool has_input_end = false;
  };
  struct Running {
    absl::string_view path;
    uint64_t name = 0;
    UniqueFd stream;
    bool has_input_end = false;       // All input is in the stream, and its end.
    int unread_bytes = 0;             // Of that, at the last look; once both directions have ended,
    std::optional<Deadline> tell_at;  // the time of the next one.
    UniqueFd errors;                  // The reading end of its standard error.
    std::string line;                 // Of that, as far as it has come.
    bool is_told = false;             // It was sent SIGTERM.
    std::optional<Deadline> kill_at;  // Then.
  };
  using All = std::map<pid_t, Running>;

  HostLoop(int request_fd, HostOptions options, UniqueFd epoll, UniqueFd signals);

  absl::Status Watch(int fd, uint32_t events, uint64_t tag) const;
  int Milliseconds() const;
  void OnRequests();
  void OnRequest(Parcel request);
  void OnStart(absl::string_view text, UniqueFd stream);
  void OnInputEnd(absl::string_view text);
  void StartNext();
  void NoteFailure(const absl::Status& status) const;
  absl::Status Start(Request request);
  void OnSignals();
  void Reap();
  void OnEnd(All::iterator program, int wait_status);
  void OnHangUp(pid_t pid, Running& program);
  // False: there is no more for now, or ever.
  bool ReadErrors(pid_t pid, Running& program);
  static void LogLineOf(pid_t pid, Running& program);
  void Terminate(pid_t pid, Running& program, absl::Duration kill_after);
  void LookWhetherReadsOn(pid_t pid, Running& program);
  void TerminateAll(absl::Duration kill_after);
  void LookAtClock();

  const int request_fd_;
  const HostOptions options_;
  const absl::Duration kill_after_at_stop_;
  const UniqueFd epoll_;
  const UniqueFd signals_;
  std::deque<Request> waiting_;
  All programs_;
  bool is_over_ = false;             // There will be no more requests.
  std::optional<Deadline> stop_at_;  // When all are told to end, once the server stops.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_HOST_LOOP_H_
