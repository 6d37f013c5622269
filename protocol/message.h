// message: answers each chunk that is received with the words "Receive your message", and logs the chunk: its
// beginning, and up to kMaxLoggedPerSecond chunks in a second, so that no peer fills the disk with less than that
// takes. A chunk is what one read brought, at most 1024 bytes of it: by its nature this protocol depends on how the
// bytes were sliced on their way, and two quick messages may be answered as one. Holds nothing.
#ifndef POLYSERVE_PROTOCOL_MESSAGE_H_
#define POLYSERVE_PROTOCOL_MESSAGE_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

class MessageSession : public Session {
 public:
  static constexpr size_t kMaxChunkBytes = 1024;
  static constexpr size_t kMaxLoggedBytes = 256;   // Of the escaped text.
  static constexpr int kMaxLoggedPerSecond = 100;  // By each process.
  static constexpr absl::string_view kReply = "Receive your message";

  void OnInput(Input& input, Output& output) override;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_MESSAGE_H_
