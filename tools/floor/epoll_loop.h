// EpollLoop: one thread for all clients, which waits with epoll(7). Level-triggered: what a client has left to read or
// to send is reported again, after the others have had their turn.
//
//   EpollLoop<Client> loop(Listen(host, port, SOCK_NONBLOCK));
//   while (true) loop.Turn([&](Client& client) { return client.OnEvent(service); });
//
// Leaves out fairness of accepting: all clients that wait are accepted before others go on.
#ifndef POLYSERVE_TOOLS_FLOOR_EPOLL_LOOP_H_
#define POLYSERVE_TOOLS_FLOOR_EPOLL_LOOP_H_

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

// C is a connection that does not block: made of a UniqueFd, it has fd(), and has_unsent() says whether it waits until
// it is writable, instead of readable.
template <typename C>
class EpollLoop {
 public:
  // `listener` must not block.
  explicit EpollLoop(UniqueFd listener) : listener_(std::move(listener)) {
    Watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
  }

  // Waits for events, accepts clients, and calls on_event(C&) for each that has an event: if it returns false, the
  // client is dropped.
  template <typename OnEvent>
  void Turn(OnEvent on_event) {
    epoll_event events[kEventsPerWait];
    const int count = Check(TEMP_FAILURE_RETRY(::epoll_wait(epoll_.get(), events, kEventsPerWait, -1)), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_.get()) {
        AcceptAll();
      } else {
        Do(places_[static_cast<size_t>(fd)], on_event);
      }
    }
  }

  // The same for all clients, whether they have an event or not. Not from within on_event().
  template <typename OnEvent>
  void TurnOfAll(OnEvent on_event) {
    for (Place& place : places_) {
      if (place.client != nullptr) Do(place, on_event);
    }
  }

  // Calls do_this(C&) for each client. It may be called from within on_event().
  template <typename DoThis>
  void ForEach(DoThis do_this) const {
    for (const Place& place : places_) {
      if (place.client != nullptr) do_this(*place.client);
    }
  }

 private:
  static constexpr int kEventsPerWait = 512;

  struct Place {
    std::unique_ptr<C> client;
    bool waits_to_write = false;
  };

  void Watch(int operation, int fd, uint32_t events) const {
    epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    Check(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  }

  void AcceptAll() {
    for (UniqueFd fd; (fd = Accept(listener_, SOCK_NONBLOCK)).ok();) {
      const int number = fd.get();
      if (places_.size() <= static_cast<size_t>(number)) places_.resize(static_cast<size_t>(number) + 1);
      places_[static_cast<size_t>(number)] = {std::make_unique<C>(std::move(fd)), false};
      Watch(EPOLL_CTL_ADD, number, EPOLLIN);
    }
  }

  // A descriptor that is closed leaves the kernel's set by itself. Only a change of what is waited for is a call.
  template <typename OnEvent>
  void Do(Place& place, OnEvent& on_event) {
    if (!on_event(*place.client)) return place.client.reset();
    if (place.client->has_unsent() == place.waits_to_write) return;
    place.waits_to_write = !place.waits_to_write;
    Watch(EPOLL_CTL_MOD, place.client->fd(), place.waits_to_write ? EPOLLOUT : EPOLLIN);
  }

  const UniqueFd listener_;
  const UniqueFd epoll_{Check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<Place> places_;  // By the clients' descriptors.
};

}  // namespace polyserve::bare

#endif  // POLYSERVE_TOOLS_FLOOR_EPOLL_LOOP_H_
