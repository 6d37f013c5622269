// websocket: frames of one member, while another listens, which must never receive anything but clean lines. Masks of
// zeros, as in the seeds, leave a payload as it is, so that the fuzzer can see through them.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/utf8.h"
#include "protocol/chat/session.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/websocket/session.h"
#include "room/local_room.h"
#include "room/room.h"
#include "tests/fuzz/any_cut.h"

namespace polyserve {
namespace {

// In a room of its own, so that each begins in the same state.
class OverheardSession : public Session {
 public:
  OverheardSession() : listener_(room_.NewMember()) {
    CHECK(listener_->Join("listener").ok());
    Output unsent;
    session_ = WebSocketSession::Start(std::make_unique<ChatSession>(room_), unsent);
  }

  void OnInput(Input& input, Output& output) override {
    session_->OnInput(input, output);
    while (const Message message = listener_->Next()) {
      absl::string_view line = *message;
      CHECK(!line.empty() && line.back() == '\n');
      line.remove_suffix(1);
      CHECK(IsUtf8(line));
      for (const char byte : line) CHECK(static_cast<uint8_t>(byte) >= 0x20 && byte != 0x7F);
    }
  }
  void OnEndOfInput(Output& output) override { session_->OnEndOfInput(output); }

 private:
  LocalRoom room_{"管理员"};
  const std::unique_ptr<Member> listener_;
  std::unique_ptr<Session> session_;
};

}  // namespace
}  // namespace polyserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  polyserve::CheckAnyCut([] { return std::make_unique<polyserve::OverheardSession>(); }, data, size, 0);
  return 0;
}
