// ChatCrowd: a thread of the load generator that fills a room: one speaks, all others listen. A reply is a delivery: a
// message that one listener has heard. Each has to hear all messages, in their order, and nothing else: nobody but the
// crowd may be in the room. Speaks the dialect of protocol/chat/session.h.
#ifndef POLYSERVE_CLIENT_LOAD_CHAT_CROWD_H_
#define POLYSERVE_CLIENT_LOAD_CHAT_CROWD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/dialer.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"
#include "net/deadline.h"

namespace polyserve {

class ChatCrowd : public LoadThread {
 public:
  // What the service lets one say in a line, less room for the name.
  static constexpr size_t kMaxTextBytes = 900;

  // More would come near to what may wait for a listener that reads late (base/mailbox.h).
  static constexpr int kMaxDepth = 1024;

  // As many listeners as the plan has connections; its depth is how many messages may be on their way to somebody.
  // Texts have so many bytes, 1 to kMaxTextBytes.
  ChatCrowd(const LoadPlan& share, size_t text_bytes);

  absl::Status Connect() override;

 private:
  struct Message {
    std::string line;  // As it is heard.
    int64_t sent = 0;
    int missing = 0;  // So many have not heard it.
  };
  struct Listener {
    UniqueFd fd;
    std::string early;     // What came while it was still joining.
    uint64_t next = 0;     // The number of the message that it hears next.
    size_t taken = 0;      // Of its line.
    uint64_t replies = 0;  // Counted ones.
  };

  void Load() override;
  void Settle() override;
  absl::Status Enter(Listener& listener, const std::string& name);
  absl::Status AwaitLine(Listener& listener, absl::string_view wanted);
  absl::Status ReadMore(Listener& listener, const Deadline& deadline);
  void Watch(int fd, uint64_t who, uint32_t events, int operation);
  void Wait(int64_t until);
  void Speak();
  void Flush();
  void OnSpeaker();
  void OnReadable(Listener& listener);
  void OnHeard(Listener& listener);
  void Drop(Listener& listener);
  Message& message(uint64_t number) { return messages_[number % messages_.size()]; }

  const size_t text_bytes_;
  const std::string speaker_name_;
  Dialer dialer_;
  UniqueFd epoll_;
  UniqueFd speaker_;
  bool speaker_waits_ = false;  // Is watched for writability.
  std::vector<Listener> listeners_;
  int listening_ = 0;
  std::vector<Message> messages_;  // Those on their way, by their number: a ring.
  uint64_t first_ = 0;             // The oldest that somebody has not heard.
  uint64_t end_of_said_ = 0;       // One behind the newest.
  std::string unsent_;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_CHAT_CROWD_H_
