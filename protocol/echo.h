// echo: sends back what comes (RFC 862). Holds nothing.
#ifndef POLYSERVE_PROTOCOL_ECHO_H_
#define POLYSERVE_PROTOCOL_ECHO_H_

#include "protocol/session.h"

namespace polyserve {

class EchoSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override;
  bool is_stateless() const override { return true; }
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_ECHO_H_
