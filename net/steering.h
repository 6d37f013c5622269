// SteerByProcessor: which of several listening sockets of one address gets a new connection. Without it the kernel
// chooses by a hash of the addresses (SO_REUSEPORT, see net/socket.h); with it, by the processor that has received the
// connection's first packet, so that the thread which runs there serves what came in there.
//
//   network card ─▶ processor 0 ─▶ listener 0 ─▶ worker 0        with --pin_cpus: one processor from the interrupt
//                └▶ processor 1 ─▶ listener 1 ─▶ worker 1        to the answer
//
// Source: SO_ATTACH_REUSEPORT_CBPF, socket(7).
#ifndef POLYSERVE_NET_STEERING_H_
#define POLYSERVE_NET_STEERING_H_

#include "absl/status/status.h"

namespace polyserve {

// Call it for any one socket of the group, once all `sockets` of them listen: processor P's connections go to socket
// P modulo `sockets`, in the order in which they began to listen. Holds for all processes that have the sockets, until
// StopSteering() or another call. Needs no privilege. Fails if the kernel is older than Linux 4.6, or if the sockets do
// not share their address.
absl::Status SteerByProcessor(int listener, int sockets);

// Back to the hash. Changes nothing if the group is not steered, or on kernels older than Linux 5.3, which have no call
// for it.
void StopSteering(int listener);

}  // namespace polyserve

#endif  // POLYSERVE_NET_STEERING_H_
