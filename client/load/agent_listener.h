// The agent that waits for coordinators at an address, for hosts without ssh: `load --agent=HOST:PORT`.
//
//   accept ─▶ fork ─▶ challenge, proof ─▶ is there another coordinator? ─▶ exec `load --agent=stdio` (agent.h)
//                        └─ wrong: closed     └─ yes: closed, with an error
//
// Nothing that a stranger sends is looked at but the proof, in a process of its own, which has ten seconds for it.
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_LISTENER_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_LISTENER_H_

#include <string>

#include "absl/status/status.h"

namespace polyserve {

// Listens at "HOST:PORT", says where on standard output, and serves one coordinator at a time until a signal ends the
// process, and with it the run. `token` "": none, for an address of this machine alone. Returns InvalidArgument if the
// address is none, or needs a token; or why the system does not let it listen. Call in the main thread, while there is
// no other one.
absl::Status ServeCoordinators(const std::string& at, const std::string& token);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_LISTENER_H_
