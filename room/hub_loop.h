// HubLoop: the event loop of the hub (room/hub.h): admits members, relays what they say, and once per iteration sends
// each member everything that is queued for it. One thread; the console may wake it.
#ifndef POLYSERVE_ROOM_HUB_LOOP_H_
#define POLYSERVE_ROOM_HUB_LOOP_H_

#include <boost/intrusive/list.hpp>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/wake_list.h"
#include "room/room.h"

namespace polyserve {

class HubLoop {
 public:
  // The room must outlive it. The join_fd stays the caller's. `server`: a descriptor that is readable once the server
  // has ended.
  static absl::StatusOr<std::unique_ptr<HubLoop>> Create(int join_fd, UniqueFd server, Room& room);
  ~HubLoop();

  // Returns when no process holds the other end of the join_fd any more, or the server has ended.
  absl::Status Run();

 private:
  class Guest;
  using Guests = boost::intrusive::list<Guest, boost::intrusive::constant_time_size<false>>;

  HubLoop(UniqueFd epoll, int join_fd, UniqueFd server, std::unique_ptr<WakeList> wakes, Room& room);

  absl::Status Watch(int fd, void* tag) const;
  bool Receive();

  const UniqueFd epoll_;
  const int join_fd_;
  const UniqueFd server_;
  const std::unique_ptr<WakeList> wakes_;
  Room& room_;
  const std::unique_ptr<Guests> guests_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_LOOP_H_
