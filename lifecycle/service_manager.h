// ServiceManager: tells the program that supervises this one, as systemd does, how the server is: by datagrams to the
// socket that NOTIFY_SOCKET names (sd_notify(3)). Without that variable, it does nothing.
//
//   FromEnvironment() ─▶ Ready() ─┬▶ Reloading(), Ready()
//                                 ├▶ IsAlive() at least every watchdog()
//                                 └▶ Stopping(), or HandOver()
//
// The manager's socket holds few messages, of all its services. What it has to know of the server's state waits for
// room, for seconds at most; that the server is alive is not said if there is none. The log has what was lost. Not
// thread-safe.
#ifndef POLYSERVE_LIFECYCLE_SERVICE_MANAGER_H_
#define POLYSERVE_LIFECYCLE_SERVICE_MANAGER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

class ServiceManager {
 public:
  ServiceManager() = default;
  // Takes over what the environment says, and removes the variables, so that children do not speak in the server's
  // name. Call it in main(), before there are threads. If the socket cannot be used, the log says so.
  static ServiceManager FromEnvironment();

  // How often IsAlive() should be called: half of the time after which the manager ends a server that is silent
  // (WatchdogSec=); infinite if it does not watch.
  absl::Duration watchdog() const { return watchdog_; }

  void Ready() const;
  void Reloading() const;  // Until Ready().
  void IsAlive() const;    // Never waits; says nothing to a manager that does not watch.
  void Stopping();         // Once; further calls say nothing.
  // Another process is the service now, and ready. From here on this object is silent.
  void HandOver(pid_t successor);

  // What tells a successor of the manager, as NAME=VALUE; for HandOver(). Empty if there is none.
  const std::vector<std::string>& environment() const { return environment_; }

 private:
  void Send(absl::string_view message, absl::Duration patience) const;

  UniqueFd socket_;  // Connected, so that it goes on working in a chroot.
  absl::Duration watchdog_ = absl::InfiniteDuration();
  std::vector<std::string> environment_;
  bool has_said_stopping_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_SERVICE_MANAGER_H_
