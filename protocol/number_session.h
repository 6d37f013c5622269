// NumberSession: the conversation of services whose requests are a verb and a number, a line each:
//
//   <VERB> <number>       -> what the service answers
//   more than its most    -> ERR 413 <text>
//   anything else         -> ERR 400 <text>; closes after a line that is too long, or of HTTP or TLS
//   under an overload     -> ERR 503 <text>; closes
//
// The answers come in the order of the requests. Bound: one line.
#ifndef POLYSERVE_PROTOCOL_NUMBER_SESSION_H_
#define POLYSERVE_PROTOCOL_NUMBER_SESSION_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "protocol/line_reader.h"
#include "protocol/session.h"

namespace polyserve {

class NumberSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes = 64;  // Ample for a verb and any number of 64 bits.

  void OnInput(Input& input, Output& output) override;
  void OnOverload(Output& output) override;
  bool awaits_rest_of_request() const override { return lines_.is_within_line(); }

 protected:
  struct Request {
    absl::string_view verb;  // Capitals. Static storage, as `what`.
    absl::string_view what;  // What the number is, for the error texts: "n".
    uint64_t most;
  };
  explicit NumberSession(const Request& request) : request_(request) {}

 private:
  // A request with this number, which is at most Request::most, has come. It is counted already.
  virtual void Answer(uint64_t number, Output& output) = 0;

  void OnLine(absl::string_view line, Output& output);

  const Request request_;
  LineReader lines_{kMaxLineBytes};
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_NUMBER_SESSION_H_
