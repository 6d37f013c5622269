// floor, chat: a chat room of one thread, which waits with epoll(7): what one says is appended to the output of all
// others, and all that has come in one turn leaves in one send(2) to each. The wire format is that of
// protocol/chat/session.h: L <name> joins, C <name> <text> speaks, E <name> leaves.
//
//   chat HOST PORT
//
// Leaves out, beside what service.h says: which names are allowed, and that a name is taken; UTF-8; the bound of a
// line; messages that members share (each has a copy); a rate. A member that does not read is dropped when kMostUnsent
// wait for it, and the others do not hear of that.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "tools/floor/epoll_loop.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

namespace {

constexpr size_t kMostUnsent = 4 * 1024 * 1024;  // As base/mailbox.h has it.

// A connection, and a member of the room once it has a name.
class Member {
 public:
  explicit Member(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool has_unsent() const { return !unsent_.empty(); }
  bool has_joined() const { return !name_.empty(); }

  void Hear(std::string_view message) { unsent_ += message; }

  // Reads once, and calls say(message) for what the others hear. False: it has left.
  template <typename Say>
  bool OnReadable(Say say) {
    char buffer[kBytesPerRead];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) {
      Leave(say);
      return false;
    }
    unread_.append(buffer, static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end = 0; (end = unread_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      OnLine(std::string_view(unread_).substr(begin, end - begin), say);
    }
    unread_.erase(0, begin);
    return true;
  }

  // Sends what waits. False: it reads too slowly, or its EXIT has been sent. That it has gone, the next read tells.
  bool Flush() {
    if (unsent_.empty()) return true;
    const ssize_t count = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    unsent_.erase(0, static_cast<size_t>(std::max<ssize_t>(count, 0)));
    return unsent_.size() <= kMostUnsent && !(is_leaving_ && unsent_.empty());
  }

 private:
  template <typename Say>
  void OnLine(std::string_view line, Say say) {
    const std::string_view rest = line.substr(std::min<size_t>(line.size(), 2));
    if (line.starts_with("L ") && name_.empty() && !rest.empty()) {
      name_ = rest;
      unsent_ += "OK\n";
      say("欢迎 '" + name_ + "' 进入聊天室\n");
    } else if (line.starts_with("C ") && !name_.empty() && rest.starts_with(name_ + " ")) {
      say(name_ + " :" + std::string(rest.substr(name_.size())) + "\n");
    } else if (line.starts_with("E ") && !name_.empty() && rest == name_) {
      unsent_ += "EXIT\n";
      is_leaving_ = true;
      Leave(say);
    } else {
      unsent_ += "ERR 400 not understood\n";
    }
  }

  template <typename Say>
  void Leave(Say say) {
    if (!name_.empty()) say("'" + std::exchange(name_, {}) + "' 退出聊天室\n");
  }

  const UniqueFd fd_;
  std::string name_;
  std::string unread_;  // A line whose end has not come yet.
  std::string unsent_;
  bool is_leaving_ = false;
};

}  // namespace

}  // namespace polyserve::bare

int main(int count, char** words) {
  if (count != 3) polyserve::bare::Quit("usage: chat HOST PORT");
  polyserve::bare::EpollLoop<polyserve::bare::Member> loop(polyserve::bare::Listen(words[1], words[2], SOCK_NONBLOCK));
  while (true) {
    loop.Turn([&loop](polyserve::bare::Member& speaker) {
      return speaker.OnReadable([&](std::string_view message) {
        loop.ForEach([&](polyserve::bare::Member& listener) {
          if (&listener != &speaker && listener.has_joined()) listener.Hear(message);
        });
      });
    });
    loop.TurnOfAll([](polyserve::bare::Member& member) { return member.Flush(); });
  }
}
