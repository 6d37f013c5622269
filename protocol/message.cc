#include "protocol/message.h"

#include <string>

#include "absl/strings/escaping.h"
#include "base/logging.h"

namespace polyserve {

namespace {

// Escaped, because a peer must not forge lines of the log; cut in the middle of an escape at worst.
std::string LoggedText(absl::string_view chunk) {
  std::string text = absl::Utf8SafeCHexEscape(chunk.substr(0, MessageSession::kMaxLoggedBytes));
  const bool is_cut = text.size() > MessageSession::kMaxLoggedBytes || chunk.size() > MessageSession::kMaxLoggedBytes;
  if (text.size() > MessageSession::kMaxLoggedBytes) text.resize(MessageSession::kMaxLoggedBytes);
  return is_cut ? text + "..." : text;
}

}  // namespace

// A read that is larger than a chunk is answered once for each chunk in it. The size of the course's buffer: its server
// would have had to read twice.
void MessageSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const absl::string_view chunk = input.bytes().substr(0, kMaxChunkBytes);
    LOG_FLOOD_UP_TO(INFO, kLogLimit) << "message: " << LoggedText(chunk);
    output.CountRequest();
    output.Write(kReply);
    input.Consume(chunk.size());
  }
}

}  // namespace polyserve
