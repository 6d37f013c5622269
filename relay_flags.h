// The flags about the servers that this one may ask in a client's name.
#ifndef POLYSERVE_RELAY_FLAGS_H_
#define POLYSERVE_RELAY_FLAGS_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/endpoint.h"
#include "protocol/relay_targets.h"

namespace polyserve {

// After the flags were parsed. Never null; without --relay_to it names no server. Returns InvalidArgument, with one
// line for the user, if an address is malformed or cannot be resolved, or a time makes no sense. Looks names up, which
// may block: here alone, not when a server is asked.
absl::StatusOr<std::shared_ptr<const RelayTargets>> RelayTargetsFromFlags();

// Whether a connection to this address would come to that listener of this machine, as far as the addresses tell.
bool Reaches(const Endpoint& target, const Endpoint& listener);

// For each TCP listener of this server. Returns InvalidArgument, with one line for the user, if a target is that
// listener: a client could have the server ask itself, which asks itself, and so on. Tells by the addresses alone: not,
// for example, if this machine is named by an address of another interface, and the listener has all of them.
absl::Status CheckNoTargetIs(const Endpoint& listener, const RelayTargets& targets);

}  // namespace polyserve

#endif  // POLYSERVE_RELAY_FLAGS_H_
