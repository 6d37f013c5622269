// ChatCrowd: a thread of the load generator that fills a chat room: one speaker, all other connections listen. It
// speaks the dialect of protocol/chat/session.h.
//
//   speaker ── C <name> <text> ──▶ the room ──▶ every listener: <name> : <text>
//
// A "reply" is a delivery: one listener has received one message. Each listener must receive all messages in their
// order, and nothing else, so the room must have no other members.
//
// If servers share the room, the listeners may be members of others than the speaker's.
//
//   message    first_ ... end_of_said_ - 1: under way, at most `depth` of them, in the ring messages_
//   listener   has received all before `next`, and `taken` bytes of that one
//
// first_ advances when the slowest listener has received a message, and nothing new is said while the window is full.
// So the speaker keeps pace with the slowest listener (a closed loop), and no mailbox in the server overflows.
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
#include "client/load/load_socket.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"
#include "net/deadline.h"
#include "net/endpoint.h"

namespace polyserve {

// One thread serves the whole crowd, with epoll(7). A listener that receives anything else is disconnected, and counts
// as wrong; the others go on. If the speaker is lost, the load ends.
class ChatCrowd : public LoadThread {
 public:
  // The service's limit on a line (1024 bytes), less room for the name.
  static constexpr size_t kMaxTextBytes = 900;

  // The most messages under way. At kMaxTextBytes they are 0.9 MiB, well below the 4 MiB that may wait for a listener
  // that reads late (base/mailbox.h).
  static constexpr int kMaxDepth = 1024;

  // There are as many listeners as the plan has connections. The plan's depth is the number of messages that may be
  // under way to any listener, at most kMaxDepth. `text_bytes` is 1 to kMaxTextBytes. The listeners join at the servers
  // `listen_at` in turn; if there are none, where the speaker does.
  ChatCrowd(const LoadPlan& share, size_t text_bytes, const std::vector<Endpoint>& listen_at = {});

  absl::Status Connect() override;

 private:
  struct Message {
    std::string line;  // As listeners receive it.
    int64_t sent = 0;
    int missing = 0;  // Listeners that have not received it.
  };
  struct Listener {
    LoadSocket socket;
    std::string early;     // Received while it was still joining.
    uint64_t next = 0;     // The number of the next message that it must receive.
    size_t taken = 0;      // Bytes received of that message's line.
    uint64_t replies = 0;  // Counted ones.
  };

  // Speaks, and listens, until the plan's end, the loss of the speaker, or that of all listeners.
  void Load() override;
  // Listens until all have received everything, or give_up_.
  void Settle() override;

  // Of the listener with this index. Contains the process id, so that two generators at the same server do not ask for
  // the same one.
  static std::string NameOf(size_t listener);
  // Connects, and joins the room under this name; blocks.
  absl::Status Enter(Dialer& dialer, Listener& listener, const std::string& name);
  // One listener of each server speaks. Returns what that sounds like.
  std::vector<std::string> CallFromEachServer();
  // Reads and skips lines until each of `wanted` was in one; blocks. Returns InvalidArgument if the server refuses
  // ("ERR"), Unavailable if they do not come within the plan's patience.
  absl::Status AwaitLines(Listener& listener, std::vector<std::string> wanted);
  absl::Status ReadMore(Listener& listener, const Deadline& deadline);

  // Calls epoll_ctl(2). `who` is the index of a listener, or the mark of the speaker.
  void Watch(int fd, uint64_t who, uint32_t events, int operation);
  void Wait(int64_t until);
  // Starts messages until `depth` of them are under way.
  void Speak();
  // Sends as much of unsent_ as the socket takes.
  void Flush();
  // The server has answered the speaker, which is a refusal, or closed.
  void OnSpeaker();
  void OnReadable(Listener& listener);
  void Receive(Listener& listener);
  // The listener has received the whole of its next message.
  void OnHeard(Listener& listener);
  // Disconnects a listener; the messages that it has not received count as unanswered.
  void Drop(Listener& listener);
  // REQUIRES: first_ <= number <= end_of_said_.
  Message& message(uint64_t number) { return messages_[number % messages_.size()]; }

  const size_t text_bytes_;
  const std::string speaker_name_;
  const bool is_room_shared_;    // By the servers of the listeners.
  Dialer dialer_;                // The speaker's.
  std::vector<Dialer> dialers_;  // The listeners'.
  UniqueFd epoll_;
  LoadSocket speaker_;
  bool speaker_waits_ = false;  // epoll watches it for writability.
  std::vector<Listener> listeners_;
  int listening_ = 0;              // Listeners that are still connected.
  std::vector<Message> messages_;  // Messages under way: a ring, indexed by their number.
  uint64_t first_ = 0;             // The oldest message that a listener has not received.
  uint64_t end_of_said_ = 0;       // One behind the newest message.
  std::string unsent_;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_CHAT_CROWD_H_
