// RoamingClients: the clients of the model stealing, each of which is a coroutine that goes on in whichever thread
// takes it.
#ifndef POLYSERVE_BACKENDS_ROAMING_CLIENT_H_
#define POLYSERVE_BACKENDS_ROAMING_CLIENT_H_

#include "backends/threaded_client.h"

namespace polyserve {

// For ThreadedLoopOptions::make_client. `ready` must outlive the clients.
MakeThreadedClient RoamingClients(ReadyClients& ready);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ROAMING_CLIENT_H_
