// relay: a service whose requests another server answers, as a front server asks the one behind it. Lines:
//
//   RELAY <n> <line>     -> what the n-th server of --relay_to answers to that line, from 1 on: RELAY 1 WAIT 20
//   it does not exist    -> ERR 404 <text>
//   it does not answer   -> ERR 502, ERR 503, ERR 504; see RelayAnswer
//   anything else        -> ERR 400 <text>; closes after a line that is too long, or of HTTP or TLS
//
// The answers come in the order of the requests. A peer that leaves may be noticed only when it is answered. Bound: one
// line.
#ifndef POLYSERVE_PROTOCOL_RELAY_H_
#define POLYSERVE_PROTOCOL_RELAY_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "protocol/line_reader.h"
#include "protocol/output.h"
#include "protocol/relay_targets.h"
#include "protocol/session.h"

namespace polyserve {

class RelaySession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = RelayTargets::kMaxLineBytes + 16;  // The verb and a number in front.

  // Not null. All sessions of a server share them.
  explicit RelaySession(std::shared_ptr<const RelayTargets> targets) : targets_(std::move(targets)) {}

  void OnInput(Input& input, Output& output) override;
  void OnOverload(Output& output) override;
  bool awaits_rest_of_request() const override { return lines_.is_within_line(); }

 private:
  void OnLine(absl::string_view line, Output& output);

  const std::shared_ptr<const RelayTargets> targets_;
  LineReader lines_{kMaxLineBytes};
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_RELAY_H_
