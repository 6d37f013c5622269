// What a server of a configuration may still use once it serves; see lifecycle/sandbox.h. Here is known what is read,
// opened and started while it does: a file that is opened later for a new reason needs a rule here.
#ifndef POLYSERVE_SANDBOX_OPTIONS_H_
#define POLYSERVE_SANDBOX_OPTIONS_H_

#include "lifecycle/sandbox.h"
#include "server_config.h"

namespace polyserve {

// The sandbox that --sandbox asks for; call it when the files of the flags are open, and before there are other
// threads. Opens nothing, and fails for nothing: rules about files that are not there are for Sandbox::RestrictFiles()
// to refuse.
Sandbox MakeSandbox(const ServerConfig& config);

}  // namespace polyserve

#endif  // POLYSERVE_SANDBOX_OPTIONS_H_
