// chat: commands of one member, by TCP and as one datagram, while another member listens, which must never receive
// anything but clean lines.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/utf8.h"
#include "protocol/chat/session.h"
#include "protocol/chat/udp_session.h"
#include "protocol/session.h"
#include "room/local_room.h"
#include "room/room.h"
#include "tests/fuzz/any_cut.h"

namespace polyserve {
namespace {

// A session in a room of its own, so that each begins in the same state.
template <typename S>
class OverheardSession : public Session {
 public:
  OverheardSession() : listener_(room_.NewMember()), session_(room_) { CHECK(listener_->Join("listener").ok()); }

  void OnInput(Input& input, Output& output) override {
    session_.OnInput(input, output);
    while (const Message message = listener_->Next()) {
      absl::string_view line = *message;
      CHECK(!line.empty() && line.back() == '\n');
      line.remove_suffix(1);
      CHECK(IsUtf8(line));
      for (const char byte : line) CHECK(static_cast<uint8_t>(byte) >= 0x20 && byte != 0x7F);
    }
  }

 private:
  LocalRoom room_{"管理员"};
  const std::unique_ptr<Member> listener_;
  S session_;
};

}  // namespace
}  // namespace polyserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using polyserve::OverheardSession;
  polyserve::CheckAnyCut([] { return std::make_unique<OverheardSession<polyserve::ChatSession>>(); }, data, size,
                         polyserve::ChatSession::kMaxLineBytes + 1);
  polyserve::CheckOneCut([] { return std::make_unique<OverheardSession<polyserve::ChatDatagramSession>>(); }, data,
                         size, 0);
  return 0;
}
