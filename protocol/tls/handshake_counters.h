// HandshakeCounters: how the TLS handshakes of a server have ended, in memory that all of its processes share. A full
// handshake costs a signature, about ten times the processor time of one that resumes a session (RFC 8446, section
// 2.2): their ratio says whether clients come back with their tickets. /-/metrics and /-/status show them.
//
// Any thread of any process; nothing blocks.
#ifndef POLYSERVE_PROTOCOL_TLS_HANDSHAKE_COUNTERS_H_
#define POLYSERVE_PROTOCOL_TLS_HANDSHAKE_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace polyserve {

// All zeroes at first. Relaxed, since each is counted by itself, once for a connection.
struct HandshakeCounters {
  std::atomic<int64_t> full;
  std::atomic<int64_t> resumed;
  std::atomic<int64_t> failed;  // The peer spoke no TLS, or none that is allowed, took too long, or gave up.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_HANDSHAKE_COUNTERS_H_
