#include "backends/pool/refuser.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "backends/connection/lingering_close.h"
#include "backends/connection/refusal.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// As many as one look handles; the others stay ready.
constexpr int kEvents = 64;

// Nothing is left that could cause a reset: the peer has closed its side, or has broken off.
bool IsOver(int fd) {
  DiscardUnread(fd);
  char byte = 0;
  const ssize_t count = ::recv(fd, &byte, 1, MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Refuser>> Refuser::Create(int also) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  epoll_event event = {};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, also, &event) != 0) return SysError("epoll_ctl");
  return std::unique_ptr<Refuser>(new Refuser(std::move(epoll)));
}

void Refuser::Refuse(Connection client, const ServerContext& context) {
  if (SayRefusal(client, context)) Linger(std::move(client.fd));
}

// If the system has no room to watch it, it is closed at once.
void Refuser::Linger(UniqueFd fd) {
  if (lingering_.size() == kMostLingering) Close(lingering_.front());
  lingering_.push_back({std::move(fd), Deadline(kLingeringCloseTimeout), {}});
  Lingering& last = lingering_.back();
  last.self = std::prev(lingering_.end());
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = &last;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, last.fd.get(), &event) != 0) lingering_.pop_back();
}

// The tag of the caller's own descriptor is null. A client that is closed here has no second event in the same batch.
void Refuser::Attend() {
  epoll_event events[kEvents];
  const int count = lingering_.empty() ? 0 : ::epoll_wait(epoll_.get(), events, kEvents, 0);
  for (int i = 0; i < count; ++i) {
    const auto* const client = static_cast<Lingering*>(events[i].data.ptr);
    if (client != nullptr && IsOver(client->fd.get())) Close(*client);
  }
  while (!lingering_.empty() && lingering_.front().end.passed()) Close(lingering_.front());
}

// A close alone would not end the watch if a child that was forked a moment ago still has its copy (epoll(7), questions
// and answers), and the tag would be that of a client that is gone.
void Refuser::Close(const Lingering& client) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client.fd.get(), nullptr);
  lingering_.erase(client.self);
}

absl::Duration Refuser::UntilEnd() const {
  return lingering_.empty() ? absl::InfiniteDuration() : lingering_.front().end.Left();
}

}  // namespace polyserve
