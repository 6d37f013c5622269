#include "protocol/exec.h"

namespace polyserve {

// Not at the peer's first byte: there are programs that speak first.
void ExecSession::OnPeer(absl::string_view address) {
  has_failed_ = !program_->Start(address);
  is_started_ = true;
}

void ExecSession::OnInput(Input& input, Output&) { input.Consume(program_->Send(input.bytes())); }

void ExecSession::OnEndOfInput(Output&) { program_->EndInput(); }

// A request is a program from its start to its end.
void ExecSession::OnMessage(const Message& message, Output& output) {
  if (!message->empty()) return output.WriteShared(message);
  if (!program_->has_ended()) return output.HalfClose();
  output.CountRequest();
  if (has_failed_) output.CountError();
  output.Close();
}

}  // namespace polyserve
