// EventConnection: one client of an event loop. While nothing is unsent it owns no buffer: it reads into the loop's,
// and what the session answers is sent from the loop's output at once. Only what the socket does not take is parked
// with the connection, and until that is sent, nothing more is read.
#ifndef POLYSERVE_BACKENDS_EVENT_CONNECTION_H_
#define POLYSERVE_BACKENDS_EVENT_CONNECTION_H_

#include <event2/event.h>
#include <event2/event_struct.h>

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

#include "backends/conversation.h"
#include "backends/serve_context.h"
#include "backends/transmit.h"
#include "base/unique_fd.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

struct EventShared;

class EventConnection : public boost::intrusive::list_base_hook<> {
  // Unlinks itself where the connection ends while it waits.
  using TurnHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  TurnHook turn_;

 public:
  using TurnList =
      boost::intrusive::list<EventConnection,
                             boost::intrusive::member_hook<EventConnection, TurnHook, &EventConnection::turn_>,
                             boost::intrusive::constant_time_size<false>>;

  // Starts serving. The connection owns itself from here on, and is deleted when the conversation is over.
  static void Start(Connection connection, EventShared& shared);

  // Goes on with what WaitForTurn() put off. May delete it.
  void OnTurn();
  // Ends it where nothing has moved for the idle time-out. May delete it.
  void OnTick();
  // The server stops: ends it if it is between requests, or else as soon as it is. May delete it.
  void OnStop();

  ~EventConnection();

 private:
  // Output that the socket did not take, and the wait for the moment it will. While lingering, the wait for its end.
  struct Parked {
    Output output;
    event wait;
  };

  enum class Next { kRead, kWait, kEnd };  // For more input; for the socket, a turn or a timer; for nothing.

  EventConnection(Connection connection, EventShared& shared);

  Next Answer(Output& output);
  Next Park(Output& output, Transmitted why);
  Next Linger();

  // Each returns false where the connection is over; the caller then deletes it.
  bool OnReadable();
  bool OnWritable();
  bool ReadOnce(bool& drained);
  bool Discard();
  void Unpark();

  bool edge_triggered() const;
  // Has used up its turn, though there is more to do: OnTurn() comes after the loop has looked at all the others. (An
  // event that is made active by hand would run before that, and again and again, and nobody else would.)
  void WaitForTurn();

  static void OnReadEvent(evutil_socket_t, short, void* connection);
  static void OnWriteEvent(evutil_socket_t, short, void* connection);

  EventShared& shared_;
  UniqueFd fd_;
  uint32_t last_moved_;  // In ticks; see backends/idle_ticks.h.
  bool lingering_ = false;
  Conversation conversation_;
  std::unique_ptr<Parked> parked_;
  event readable_;
};

// What the connections of one loop share.
struct EventShared {
  event_base* base;
  Counters* counters;
  short extra_flags;   // EV_ET or 0, for every event of a connection.
  int reads_per_turn;  // The most that one connection may read before the others' turn, in buffers.
  uint32_t ticks = 0;  // The loop's coarse clock.
  bool stopping = false;
  Output output;  // Empty between callbacks.
  char buffer[kReadBytes];
  boost::intrusive::list<EventConnection, boost::intrusive::constant_time_size<false>> connections;
  EventConnection::TurnList wait_for_turn;
  event* next_turn;  // The loop's, for the above.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_CONNECTION_H_
