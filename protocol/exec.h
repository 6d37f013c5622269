// exec: any program as a service. The server starts one for each connection; what the peer sends is its standard input,
// and what it writes is the answer, byte by byte. A half-close of either side is passed on. The connection ends with
// the program, and the program with the connection. There is no other protocol, and no error has words: if there are
// too many programs, or one cannot be run, the connection is closed.
//
// Bound: none of its own; what the program does not take is left unconsumed, and no more is read meanwhile.
#ifndef POLYSERVE_PROTOCOL_EXEC_H_
#define POLYSERVE_PROTOCOL_EXEC_H_

#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "programs/program.h"
#include "protocol/session.h"

namespace polyserve {

class ExecSession : public Session {
 public:
  explicit ExecSession(std::unique_ptr<Program> program) : program_(std::move(program)) {}

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  bool outlives_input() const override { return true; }
  Mailbox* mailbox() override { return is_started_ ? program_.get() : nullptr; }
  void OnMessage(const Message& message, Output& output) override;
  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override;
  // A stop waits for the program, as for any request; who ends it then is not the session.
  bool idle() const override { return !is_started_; }

 private:
  const std::unique_ptr<Program> program_;
  bool is_started_ = false;
  bool has_failed_ = false;  // It could not even be asked for.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_EXEC_H_
