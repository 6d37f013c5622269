// HubLoop: what the hub does all day (room/hub.h): takes in guests, passes on what they say, and sends each, once a
// turn, all that is due to it. One thread, and an operator who may wake it.
#ifndef POLYSERVE_ROOM_HUB_LOOP_H_
#define POLYSERVE_ROOM_HUB_LOOP_H_

#include <boost/intrusive/list.hpp>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "room/room.h"
#include "room/wake_list.h"

namespace polyserve {

class HubLoop {
 public:
  // The room must outlive it. The reception stays the caller's. `server`: a descriptor that is readable once the server
  // has ended.
  static absl::StatusOr<std::unique_ptr<HubLoop>> Create(int reception, UniqueFd server, Room& room);
  ~HubLoop();

  // Returns when nobody holds the other end of the reception any more, or the server has ended.
  absl::Status Run();

 private:
  class Guest;
  using Guests = boost::intrusive::list<Guest, boost::intrusive::constant_time_size<false>>;

  HubLoop(UniqueFd epoll, int reception, UniqueFd server, std::unique_ptr<WakeList> wakes, Room& room);

  absl::Status Watch(int fd, void* tag) const;
  bool Receive();

  const UniqueFd epoll_;
  const int reception_;
  const UniqueFd server_;
  const std::unique_ptr<WakeList> wakes_;
  Room& room_;
  const std::unique_ptr<Guests> guests_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_LOOP_H_
