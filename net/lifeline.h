// Lifeline: connects a server with all of its descendants, however deep, without a list of them. One pipe leads down,
// one leads up:
//
//   down   server: write end ─── a byte: "finish" ─────────────▶ read end of every descendant
//   up     server: read end ◀─── end-of-file: all have exited ── write end, held by every descendant
//
// If the server dies, even by SIGKILL, its ends of both pipes close, and that kills orphans; direct children also use
// PR_SET_PDEATHSIG.
//
// This also reaches the children of children that have exited (the double fork), which neither kill() by pid nor wait()
// nor PR_SET_PDEATHSIG reaches. Descendants listen by signal-driven I/O (O_ASYNC and F_SETSIG, see fcntl(2) and
// pipe(7)): SIGIO for the pipe down, which also interrupts a blocking call; SIGKILL for the pipe up, which also ends a
// stopped process (SIGSTOP) that would otherwise keep the server's ports.
//
// Threads: all calls belong to the main thread, and a descendant is single-threaded when it takes hold.
#ifndef POLYSERVE_NET_LIFELINE_H_
#define POLYSERVE_NET_LIFELINE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

class Lifeline {
 public:
  Lifeline() = default;  // Unusable until another lifeline is moved into it.
  // In the server, before the first fork. Fails if the process has no descriptors left: it takes four.
  static absl::StatusOr<Lifeline> Create();

  // What the server is to the descendant.
  enum class Kin { kChild, kOrphan };

  // Call first thing after fork() in a descendant: starts listening. A byte triggers Signals::RequestStop(). If it
  // cannot listen, the process exits, since it must not outlive the server.
  void HoldInDescendant(Kin kin);
  // The same, but returns the error.
  absl::Status TryHold(Kin kin);

  // In the server: asks all descendants to finish. A process that is just about to block does not notice: repeat until
  // all have exited.
  void TellStop();
  // In the server, once, last: gives up its own hold, and waits until all descendants have exited, at most for this
  // long. False if some remain, or a signal interrupted the wait.
  bool AwaitAllGone(absl::Duration timeout);

 private:
  UniqueFd down_read_, down_write_, up_read_, up_write_;
  // Of the descendants' ends, in /proc, as the server has numbered them. A descendant that has taken hold has ends with
  // other numbers, so neither it nor its own children can take hold by these once more.
  std::string down_path_, up_path_;
  pid_t server_ = -1;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_LIFELINE_H_
