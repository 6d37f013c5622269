// echo: sends back every byte or datagram that it receives (RFC 862). The smallest service there is: it shows what a
// model costs without any work of a service.
#ifndef POLYSERVE_PROTOCOL_ECHO_H_
#define POLYSERVE_PROTOCOL_ECHO_H_

#include "protocol/session.h"

namespace polyserve {

// Stateless, so one object would do for all peers. It never closes, and consumes all input at once: an answer is as
// long as what was received. Its bound is that of the driver's read, or of one datagram. Over UDP the driver decides
// which senders get an answer at all, since two echo services could answer each other for ever (net/udp_sources.h).
class EchoSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override;
  bool is_stateless() const override { return true; }
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_ECHO_H_
