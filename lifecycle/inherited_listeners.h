// InheritedListeners: sockets that were there before this program: a service manager's (systemd.socket(5)), or those of
// the server that this one replaces (upgrade.h). Both pass them the same way (sd_listen_fds(3)):
//
//   LISTEN_FDS=2                      descriptors 3 and 4
//   LISTEN_FDNAMES=http:echo+udp      what they are for, as in --listen; a manager may give other names, or none
//   LISTEN_PID=4711                   a manager's: for this process alone, and not for what it starts
//   POLYSERVE_UPGRADE=4711 5 01       an earlier server's instead: its pid, the descriptor to report to (TellReady()),
//   and
//                                     for each socket whether a manager holds it, too
//
// A socket is for the address of --listen that it is bound to. If --listen leaves the port to the system (port 0), it
// is for the one with its name and host.
#ifndef POLYSERVE_LIFECYCLE_INHERITED_LISTENERS_H_
#define POLYSERVE_LIFECYCLE_INHERITED_LISTENERS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

class InheritedListeners {
 public:
  // The first descriptor that is passed on (SD_LISTEN_FDS_START), and the variable of an upgrade.
  static constexpr int kFirstFd = 3;
  static constexpr char kUpgradeVariable[] = "POLYSERVE_UPGRADE";

  struct Socket {
    UniqueFd fd;
    bool is_managers = false;  // A service manager holds it as well; see Listener::is_managers.
  };

  // Takes over what the environment describes, and removes the variables, so that no child takes the sockets for its
  // own. Call it once, in main(), before there are threads and children. InvalidArgument: a variable makes no sense, or
  // a descriptor is no TCP socket that listens, nor a UDP socket.
  static absl::StatusOr<InheritedListeners> FromEnvironment();

  // The only one is this, the standard input of a program that inetd has started: for the address of --listen, whatever
  // that is. It is a manager's. The same errors.
  static absl::StatusOr<InheritedListeners> OfInetd(UniqueFd fd);

  InheritedListeners(InheritedListeners&&) = default;
  InheritedListeners& operator=(InheritedListeners&&) = default;

  // Gives away the sockets for one address of --listen: all that share its port (SO_REUSEPORT), non-blocking, and
  // closed on exec. Empty if there are none. `name` is "http", "http+tls", "echo+udp".
  std::vector<Socket> Take(absl::string_view name, bool is_for_datagrams, const Endpoint& at);

  // True if there were any, taken or not.
  bool any() const { return !sockets_.empty(); }

  // For a process that was forked, and serves no client: closes its copies. It would keep the sockets open when the
  // server stops, and clients that connect would wait instead of being refused.
  void Leave();

  // InvalidArgument if a manager's socket was not taken: its user expects it to be served. One that only an earlier
  // server has left is closed, and logged.
  absl::Status CheckAllAreTaken() const;

  // True if an earlier server has started this one, and waits until it is ready.
  bool replaces_server() const { return ready_.ok(); }
  // Says so to it, if there is one. From then on it takes no more clients. FailedPrecondition: it has stopped
  // meanwhile, and this server must not serve, either. Call it once, last of all.
  absl::Status TellReady();

 private:
  struct Inherited {
    Socket socket;
    std::string name;
    bool is_for_datagrams;
    Endpoint at;
    bool fits_any = false;  // Address.
  };

  InheritedListeners() = default;
  absl::Status ReadUpgrade(absl::string_view variable, size_t sockets, std::string& managers);
  absl::Status Add(UniqueFd fd, std::string name, bool is_managers);

  std::vector<Inherited> sockets_;
  UniqueFd ready_;  // A pipe to the earlier server.
};

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_INHERITED_LISTENERS_H_
