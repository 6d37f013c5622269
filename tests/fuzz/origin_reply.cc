// What the server behind --upstream may answer. It says the same however its bytes are cut.
#include "fetch/origin_reply.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/logging.h"

namespace {

using polyserve::OriginReply;

struct Outcome {
  OriginReply::State state;
  std::string content;
};

// In pieces of so many bytes, up to the end of the connection.
Outcome Read(absl::string_view bytes, size_t piece) {
  OriginReply reply;
  Outcome outcome = {reply.state(), ""};
  const auto is_open = [&reply] {
    return reply.state() == OriginReply::State::kHead || reply.state() == OriginReply::State::kContent;
  };
  for (; !bytes.empty() && is_open(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reply.Take(bytes.substr(0, piece), outcome.content);
    if (reply.state() == OriginReply::State::kContent && reply.head().length.has_value()) {
      CHECK(static_cast<int64_t>(outcome.content.size()) <= *reply.head().length);
    }
  }
  if (is_open()) reply.TakeEnd();
  outcome.state = reply.state();
  CHECK(!is_open());
  CHECK((outcome.state == OriginReply::State::kWrong) == !reply.fault().empty());
  if (outcome.state == OriginReply::State::kWhole && reply.head().length.has_value() && !outcome.content.empty()) {
    CHECK(static_cast<int64_t>(outcome.content.size()) == *reply.head().length);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = Read(bytes, std::max(size, size_t{1}));
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{64}}) {
    const Outcome cut = Read(bytes, piece);
    CHECK(cut.state == whole.state);
    // What is wrong may be seen before its last bytes are taken.
    if (cut.state == OriginReply::State::kWhole) CHECK(cut.content == whole.content);
  }
  return 0;
}
