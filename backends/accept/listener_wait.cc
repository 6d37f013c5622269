#include "backends/accept/listener_wait.h"

#include <algorithm>

#include "absl/status/status.h"
#include "backends/accept/admission.h"
#include "backends/accept/no_client.h"
#include "backends/accept/udp_peers.h"
#include "net/shortage.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// Positions in waits_. poll(2) ignores an entry whose descriptor is -1, so each has its place even if it is not used.
constexpr size_t kSignals = 0;
constexpr size_t kAlso = 1;
constexpr size_t kCapacity = 2;
constexpr size_t kFirstListener = 3;

}  // namespace

// Not in the constructor: in a worker whose clients come another way, the listeners may be closed meanwhile.
void ListenerWait::Prepare() {
  waits_ = {{Signals::fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  for (const Listener& listener : context_.listeners) {
    // Datagrams that another thread or process reads would end every wait.
    const bool looks = !listener.has_datagrams() || udp_peers_.which() != AcceptUdp::kNone;
    waits_.push_back({looks ? udp_peers_.wait_fd(listener) : -1, POLLIN, 0});
  }
}

void ListenerWait::Wait(const Awaited& awaited) {
  if (waits_.empty()) Prepare();
  if (pause_.has_value() && pause_->passed()) pause_.reset();
  const bool looks_for_clients = awaited.clients && !pause_.has_value();
  waits_[kAlso].fd = awaited.also;
  waits_[kCapacity].fd = admission_.awaits_capacity() ? admission_.capacity_fd() : -1;
  // A full server looks for no connections: they would be readable all the time, and could not be accepted.
  for (size_t i = 0; admission_.reserves() && i < context_.listeners.size(); ++i) {
    const Listener& listener = context_.listeners[i];
    if (listener.has_datagrams()) continue;
    waits_[kFirstListener + i].fd = admission_.awaits_capacity() ? -1 : listener.fd.get();
  }
  for (pollfd& wait : waits_) wait.revents = 0;
  // If a peer is there already, this is only a look at the others.
  const int timeout = looks_for_clients && NotePending() ? 0 : Timeout(awaited);
  // poll(2), whatever the model: the set is small, and changes from wait to wait. An epoll would cost a descriptor, and
  // a system call for each change, and a forked child would share it. The result is not needed: after a time-out or
  // EINTR no entry is marked.
  ::poll(waits_.data(), looks_for_clients ? waits_.size() : kFirstListener, timeout);
  if ((waits_[kCapacity].revents & POLLIN) != 0) admission_.TakeCapacityEvent();
  if (looks_for_clients) NotePending();  // poll() has overwritten what was noted before.
  if ((waits_[kSignals].revents & POLLIN) != 0) AnswerCommonSignals(Signals::Take(), context_);
}

// For poll(2): in milliseconds; -1: for ever. A pause shortens the wait, so that it looks for clients again when the
// pause is over.
int ListenerWait::Timeout(const Awaited& awaited) const {
  const int timeout = awaited.at_most == absl::InfiniteDuration() ? -1 : Deadline(awaited.at_most).PollMilliseconds();
  if (!awaited.clients || !pause_.has_value()) return timeout;
  const int pause = pause_->PollMilliseconds();
  return timeout < 0 ? pause : std::min(timeout, pause);
}

// Marks the listeners of UDP peers whose datagrams are here already: wait_fd() does not show them. Returns whether
// there are any.
bool ListenerWait::NotePending() {
  bool found = false;
  for (size_t i = 0; i < context_.listeners.size(); ++i) {
    if (!udp_peers_.has_pending(context_.listeners[i])) continue;
    waits_[kFirstListener + i].revents |= POLLIN;
    found = true;
  }
  return found;
}

absl::StatusOr<Connection> ListenerWait::TakeSeen(TryAccept try_accept) {
  for (size_t i = 0; i < context_.listeners.size(); ++i) {
    const size_t at = (first_ + i) % context_.listeners.size();
    const Listener& listener = context_.listeners[at];
    if ((waits_[kFirstListener + at].revents & POLLIN) == 0) continue;
    if (listener.has_datagrams() && !udp_peers_.Accepts(listener)) continue;
    // The next search begins behind it, so that a busy listener does not starve the others.
    first_ = at + 1;
    absl::StatusOr<Connection> connection = try_accept(listener);
    if (connection.ok()) return connection;
    if (absl::IsResourceExhausted(connection.status())) Pause();
  }
  return NoClient();
}

void ListenerWait::Pause() { pause_.emplace(kShortagePause); }

}  // namespace polyserve
