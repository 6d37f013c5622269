#include "backends/accept/admission.h"

#include <sys/epoll.h>

#include "backends/accept/connection_limit.h"

namespace polyserve {

namespace {

// An epoll of our own, edge-triggered: it reports each write to the limit's eventfd once, and leaves it to the other
// acceptors, which watch it likewise. A read of the eventfd itself would take the event away from them. Empty if no
// descriptor is left.
UniqueFd WatchCapacity(const ConnectionLimit& connection_limit) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  if (epoll.ok() && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connection_limit.fd(), &event) != 0) epoll.reset();
  return epoll;
}

}  // namespace

Admission::Admission(ServerContext& context)
    : context_(context),
      reserves_(context.connection_limit != nullptr &&
                context.connection_limit->overload() == ConnectionLimit::Overload::kWait) {}

Counters& Admission::CountersOf(const Listener& listener) const {
  return OfService(context_.statistics.counters(), listener.number);
}

absl::Status Admission::Reserve(const Listener& listener) {
  if (!reserves_) return absl::OkStatus();
  // Before the attempt: a client that ends between a failed attempt and the beginning of the watch would go unnoticed.
  if (!capacity_.ok()) capacity_ = WatchCapacity(*context_.connection_limit);
  if (!capacity_.ok()) return absl::ResourceExhaustedError("no descriptor is left");
  if (context_.connection_limit->TryAcquire(CountersOf(listener))) return absl::OkStatus();
  awaits_capacity_ = true;
  return absl::FailedPreconditionError("the server is full");
}

bool Admission::Enter(const Listener& listener) {
  Counters& counters = CountersOf(listener);
  // Compares and counts under one lock. Two acceptors that only compared could both find the last place free.
  if (context_.connection_limit != nullptr) return context_.connection_limit->TryAcquire(counters);
  Counters::Add(counters.accepted, 1);
  return true;
}

void Admission::Withdraw(const Listener& listener) {
  // First the count, then the wake-up, as in CountEnd(): an acceptor that wakes must find the place free.
  Counters::Add(CountersOf(listener).accepted, -1);
  if (context_.connection_limit != nullptr) context_.connection_limit->Release();
}

void Admission::CountRefused(const Listener& listener) { Counters::Add(CountersOf(listener).refused, 1); }

// Nothing is lost if another edge comes between the two lines: the attempt that follows sees its place.
void Admission::TakeCapacityEvent() {
  epoll_event event;
  if (capacity_.ok()) ::epoll_wait(capacity_.get(), &event, 1, 0);
  awaits_capacity_ = false;
}

}  // namespace polyserve
