#include "protocol/message.h"

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "base/logging.h"

namespace polyserve {

namespace {

// Escaped, because a peer must not forge lines of the log; cut in the middle of an escape at worst. The count is of
// this process alone. Two threads in the first moment of a second may both log one line more than the limit, which does
// no harm.
void Log(absl::string_view chunk) {
  static std::atomic<int64_t> second{0}, chunks{0};  // Of this process.
  if (IsTimeAgain(second, 1)) {
    const int64_t unlogged = chunks.exchange(0) - MessageSession::kMaxLoggedPerSecond;
    if (unlogged > 0) LOG(INFO) << "message: " << unlogged << " more, which were not logged";
  }
  // Counted even if it is not logged, so that the next second can say how many were left out.
  if (chunks.fetch_add(1, std::memory_order_relaxed) >= MessageSession::kMaxLoggedPerSecond) return;
  std::string text = absl::Utf8SafeCHexEscape(chunk.substr(0, MessageSession::kMaxLoggedBytes));
  const bool is_cut = text.size() > MessageSession::kMaxLoggedBytes || chunk.size() > MessageSession::kMaxLoggedBytes;
  if (text.size() > MessageSession::kMaxLoggedBytes) text.resize(MessageSession::kMaxLoggedBytes);
  LOG(INFO) << "message: " << text << (is_cut ? "..." : "");
}

}  // namespace

// A read that is larger than a chunk is answered once for each chunk in it. The size of the course's buffer: its server
// would have had to read twice.
void MessageSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    const absl::string_view chunk = input.bytes().substr(0, kMaxChunkBytes);
    Log(chunk);
    output.CountRequest();
    output.Write(kReply);
    input.Consume(chunk.size());
  }
}

}  // namespace polyserve
