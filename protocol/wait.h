// wait: a service whose requests wait, as if for a database or another server, and take next to nothing of a processor
// meanwhile. So it shows how many connections a model can have that wait: by Little's law (1961) they are the rate of
// the requests times the time that each of them waits.
//
//   WAIT <ms>       -> OK <ms>, so many milliseconds after the request was read
//
// It waits by output.WorkAfter(): a blocking driver sleeps, and its process or thread serves nobody else; a loop sets a
// timer. A peer that leaves is noticed when the wait is over. Errors, order and bound are those of NumberSession.
#ifndef POLYSERVE_PROTOCOL_WAIT_H_
#define POLYSERVE_PROTOCOL_WAIT_H_

#include <cstdint>

#include "protocol/number_session.h"

namespace polyserve {

class WaitSession : public NumberSession {
 public:
  static constexpr uint64_t kMaxMilliseconds = 60'000;  // Less than the default of --idle_timeout.

  WaitSession() : NumberSession({.verb = "WAIT", .what = "ms", .most = kMaxMilliseconds}) {}

 private:
  void Answer(uint64_t milliseconds, Output& output) override;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WAIT_H_
