// message: answers each chunk with "Receive your message", and logs its beginning. The first server of the course that
// this project grew out of.
//
// A chunk is what one read returned, at most kMaxChunkBytes of it. The protocol has no framing, so the answer depends
// on how the network sliced the bytes: two quick messages may be answered as one. This is the only session whose output
// does.
#ifndef POLYSERVE_PROTOCOL_MESSAGE_H_
#define POLYSERVE_PROTOCOL_MESSAGE_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "base/log_flood.h"
#include "protocol/session.h"

namespace polyserve {

// Holds nothing between calls, and consumes all input as far as the output has room.
class MessageSession : public Session {
 public:
  static constexpr size_t kMaxChunkBytes = 1024;  // As the course's server does.
  // Bounds on the log, so that a peer cannot fill the disk with it: the escaped text of a chunk, and the chunks that
  // all processes of the server log in a second. More than the usual bound of a place, since these lines are what the
  // service is for.
  static constexpr size_t kMaxLoggedBytes = 256;
  static constexpr FloodLimit kLogLimit = {.lines = 100, .window_ms = 1000};
  static constexpr absl::string_view kReply = "Receive your message";

  void OnInput(Input& input, Output& output) override;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_MESSAGE_H_
