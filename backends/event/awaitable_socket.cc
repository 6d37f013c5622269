#include "backends/event/awaitable_socket.h"

#include <sys/time.h>

#include <cerrno>
#include <utility>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

AwaitableSocket::AwaitableSocket(UniqueFd fd, EventShared& shared, int service)
    : EventClient(std::move(fd), shared, service) {
  const auto on_event = [](evutil_socket_t, short, void* self) {
    static_cast<AwaitableSocket*>(self)->ContinueInput();
  };
  CHECK_EQ(event_assign(&event_, shared.base, fd_.get(), EV_READ, on_event, this), 0);
}

AwaitableSocket::~AwaitableSocket() { event_del(&event_); }

AwaitableSocket::Wait AwaitableSocket::Readable(Debt debt) {
  debt_ = debt;
  if (watched_ != EV_READ) Watch(EV_READ, nullptr);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::Writable() {
  debt_ = Debt::kAcknowledgement;
  if (watched_ != EV_WRITE) Watch(EV_WRITE, nullptr);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::ReadableUntil(const Deadline& deadline) {
  debt_ = Debt::kNothing;
  const int milliseconds = deadline.PollMilliseconds();
  const timeval left = {milliseconds / 1000, milliseconds % 1000 * 1000};
  Watch(EV_READ, &left);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::NextTurn() {
  WaitForTurn();
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::After(absl::Duration time) {
  debt_ = Debt::kAcknowledgement;
  PauseFor(time);
  return Ready();
}

AwaitableSocket::Wait AwaitableSocket::Ready() {
  event_del(&event_);
  watched_ = 0;
  return Wait(*this);
}

void AwaitableSocket::Watch(short events, const timeval* timeout) {
  event_del(&event_);
  const short persist = timeout == nullptr ? EV_PERSIST : 0;
  CHECK_EQ(event_assign(&event_, shared_.base, fd_.get(), static_cast<short>(events | persist),
                        event_get_callback(&event_), this),
           0);
  watched_ = timeout == nullptr ? events : 0;
  if (event_add(&event_, timeout) == 0) return;
  LOG(WARNING) << "cannot watch a connection, so it is closed: " << SysError("event_add").message();
  unwatchable_ = true;
  WaitForTurn();  // As long as nobody waits for the socket, it cannot be dropped.
}

void AwaitableSocket::ContinueInput() {
  NoteMove();
  waiting_.resume();  // May destroy this.
}

}  // namespace polyserve
