#include "protocol/message.h"

#include "absl/strings/escaping.h"
#include "base/logging.h"

namespace polyserve {

void MessageSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const absl::string_view chunk = input.bytes().substr(0, kMaxChunkBytes);
    LOG(INFO) << "message: " << absl::Utf8SafeCHexEscape(chunk);  // Escaped: a peer must not forge lines of the log.
    output.CountRequest();
    output.Write(kReply);
    input.Consume(chunk.size());
  }
}

}  // namespace polyserve
