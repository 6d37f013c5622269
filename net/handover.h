// Handover: whether another server goes on with the listeners of this one. From then on a stop of this server must
// leave them as they are: what it does to a socket (shutdown(2), an option) it does for every process that holds it.
//
//   Prepare()                   before the first fork, so that all processes of the server see the same
//   Announce(), then a stop     in the server's main process, when its successor is ready
//   is_done()                   wherever a listener would be shut down
#ifndef POLYSERVE_NET_HANDOVER_H_
#define POLYSERVE_NET_HANDOVER_H_

#include "absl/status/status.h"

namespace polyserve {

class Handover {
 public:
  // Maps the memory that the processes share. Without it, is_done() stays false. Call once. Fails if memory is lacking.
  static absl::Status Prepare();
  // Any process of the server; the others see it before anything that this one does later, such as a signal.
  static void Announce();
  // Any thread of any process; costs no system call.
  static bool is_done();
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_HANDOVER_H_
