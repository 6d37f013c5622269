// RelayTargets: the servers that sessions may ask in a client's name (--relay_to), and no others. What is asked is a
// line, as the services of lines answer them: `WAIT 20`. Free of I/O: the driver asks (Output::Ask()).
//
//   AskTarget(targets, target, "WAIT 20", output, [](RelayAnswer answer, Output& result) { ... });
#ifndef POLYSERVE_PROTOCOL_RELAY_TARGETS_H_
#define POLYSERVE_PROTOCOL_RELAY_TARGETS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/ip_address.h"
#include "protocol/output.h"

namespace polyserve {

struct RelayTarget {
  std::string name;     // As the operator has written it, HOST:PORT.
  AddressPort address;  // That of the name when the server started.
};

// Plain data; constant while the server runs.
struct RelayTargets {
  static constexpr size_t kMaxLineBytes = 1024;  // Of what is asked, and of the answer.

  std::vector<RelayTarget> all = {};  // Empty: no server is asked anything.
  absl::Duration timeout = absl::Seconds(5);

  // The one of this name, which has to be written in the same way; null if there is none.
  const RelayTarget* Find(absl::string_view name) const;
};

// 200, and the other server's line, whatever it says; or why there is none, as a code of HTTP and in words: 502 it
// cannot be reached, or what it answers is no line of text; 503 this server cannot ask now; 504 it has taken too long.
struct RelayAnswer {
  int code;
  std::string text;
};

// Whether this can be asked: at least a character, and none that controls anything, such as a line end, by which a
// client would ask more than one line.
bool IsRelayLine(absl::string_view line);

// Has the output ask the target, which is one of these, and `then` called with what comes of it, as Output::Answered
// is. REQUIRES: IsRelayLine(line).
void AskTarget(const RelayTargets& targets, const RelayTarget& target, absl::string_view line, Output& output,
               absl::AnyInvocable<void(RelayAnswer answer, Output& output)> then);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_RELAY_TARGETS_H_
