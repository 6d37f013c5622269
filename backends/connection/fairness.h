// What is done for one client, peer or listener before the others' turn, if one thread serves many: no client starves
// the others, be it with requests that come faster than they are answered, or with replies that have no end. A turn is
// one iteration of the thread's loop. All such limits are here, so that models that differ in how they wait do not
// differ in how they share.
#ifndef POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_
#define POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_

#include <cstdint>

namespace polyserve {

// The most that one connection is sent, in bytes. Large enough that a bulk transfer does not notice the turns.
constexpr int64_t kBytesPerTurn = 1024 * 1024;
// The most reads from one connection if readiness is reported once, as it begins (edge triggering): there a reader goes
// on until the socket is empty. 16 of 64 KiB are about what kBytesPerTurn is for the other direction.
constexpr int kReadsPerTurnWithEdges = 16;
// The most clients that are accepted from one listener, each at the cost of a system call or two: a crowd that arrives
// at once must not stall the clients that are being served. --accept_batch changes it for event loops.
constexpr int kAcceptsPerTurn = 64;
// The most datagrams that are answered for one socket: one socket has many peers, or is one of many.
constexpr int kDatagramsPerTurn = 64;
// The most sockets of peers that are looked at.
constexpr int kPeersPerTurn = 64;

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_FAIRNESS_H_
