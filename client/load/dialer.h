// Dialer: connects to one server any number of times, also if one address has not ports enough for it.
//
// A connection is told apart by both ends' addresses and ports, so one address can have some 28,000 to the same server
// (ip_local_port_range), fewer where old ones linger in TIME_WAIT. To a server on this machine (127.0.0.0/8) the dialer
// goes on from 127.0.0.2, 127.0.0.3, ... if the ports of the address before have run out, and costs nothing until
// then. To others it cannot.
#ifndef POLYSERVE_CLIENT_LOAD_DIALER_H_
#define POLYSERVE_CLIENT_LOAD_DIALER_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

class Dialer {
 public:
  // As many addresses as it goes through, before it starts anew.
  static constexpr int kMaxSources = 100;

  explicit Dialer(const Endpoint& to);

  // Begins to connect; the socket does not block. Not ok() if it cannot even begin; errno says why.
  UniqueFd Start();

  // What became of it, once the socket is writable: 0, or an error number. Costs a system call more only if the
  // server's port is one that the system could give to the socket, too; see OutcomeOfConnecting().
  int Outcome(int fd) const;

  // Waits until it is connected; the socket does not block. Without a free port it tries again. Unavailable: it is not,
  // within the time.
  absl::StatusOr<UniqueFd> Connect(absl::Duration timeout);

 private:
  UniqueFd StartFrom(int source);

  const Endpoint to_;
  const bool is_local_;
  const bool may_be_own_port_;
  int source_ = 0;  // 0: whatever the system chooses.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_DIALER_H_
