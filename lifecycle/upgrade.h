// Upgrade: replaces the running server by a new one, without a client noticing it.
//
//   SIGUSR2 ─▶ OnSignal(): starts the program again, with all listeners and a pipe (inherited_listeners.h)
//                 │   both could take clients from here on; the old one still does all of it
//                 ├── the new one is ready, and says so through the pipe ─▶ OnSignal() returns its pid: hand over, and
//                 stop └── it ends before that ─▶ the log says so, and the old server goes on as if nothing had been
//
// What is started is the file that this program was started from, by its path, so that a new version that has taken its
// place is found, and with the command line that this one got: a --flagfile is read anew.
//
// The pipe sends SIGUSR2 as well (F_SETSIG, fcntl(2)), so that no model has to watch one more descriptor. One upgrade
// at a time. Not thread-safe; no call waits.
#ifndef POLYSERVE_LIFECYCLE_UPGRADE_H_
#define POLYSERVE_LIFECYCLE_UPGRADE_H_

#include <fcntl.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/unique_fd.h"

namespace polyserve {

class Upgrade {
 public:
  // A listener to pass on. Borrowed for the call.
  struct Listener {
    int fd;
    std::string name;  // As in --listen: "http+tls".
    bool is_managers;
  };
  struct Inheritance {
    std::vector<Listener> listeners;
    std::vector<std::string> environment;  // Further variables, as NAME=VALUE.
  };

  // Notes how to start this program again. Call it first thing in main(), with its arguments as they came.
  static void SetCommandLine(int argc, char** argv);

  // On SIGUSR2. Begins an upgrade, or, if one is under way, looks what has become of it. Returns the new server's pid
  // when that is ready. Logs everything else.
  std::optional<pid_t> OnSignal(absl::FunctionRef<Inheritance()> make_inheritance);

  // The server is told to stop: so is a new one that is not ready yet.
  void Abandon();

 private:
  void Begin(const Inheritance& inheritance);
  absl::Status Start(const Inheritance& inheritance);
  void NoteFailure();
  void NoteOwners(const std::vector<Listener>& listeners);
  void RestoreOwners() const;

  pid_t successor_ = -1;  // Started, and not ready yet; -1: no upgrade is under way.
  UniqueFd pipe_;
  std::vector<std::pair<int, f_owner_ex>> owners_;  // Of the listeners' signals, before the upgrade.
};

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_UPGRADE_H_
