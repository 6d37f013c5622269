// EventClient: what an event loop knows of a client, whoever serves it: EventConnection by callbacks, or a coroutine.
// EventShared: what the clients of one loop share.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/connection/offload.h"
#include "backends/connection/timers.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

class ConnectionLimit;
struct EventShared;

// Joins its loop when it is made, and leaves it when it is destroyed. Whoever makes it decides how that happens; none
// of these calls touches another client.
class EventClient : public boost::intrusive::list_base_hook<>, public Wakeable, public Watched {
  // Unlinks itself where the client ends while it waits.
  using TurnHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  TurnHook turn_;

 public:
  using TurnList =
      boost::intrusive::list<EventClient, boost::intrusive::member_hook<EventClient, TurnHook, &EventClient::turn_>,
                             boost::intrusive::constant_time_size<false>>;

  // Goes on with what WaitForTurn() put off. May destroy it.
  virtual void OnTurn() = 0;
  // The time that PauseFor() was given has passed. May destroy it.
  virtual void OnPauseOver() = 0;
  // The time that SetTimer() was given has passed. May destroy it.
  virtual void OnTimer() = 0;
  // The server stops, or the grace is over (see net/signals.h): ends it if it has nothing to wait for any more. May
  // destroy it.
  virtual void OnStop() = 0;
  // Ends it at once, whatever it waits for, and destroys it.
  virtual void Drop() = 0;

  // Drops it if its peer is silent or too slow; see net/progress_watch.h.
  void OnTick();

 protected:
  // What its peer owes at the moment.
  virtual Debt debt() const = 0;

  // Counts for this service.
  EventClient(UniqueFd fd, EventShared& shared, int service);
  virtual ~EventClient();

  // To be called whenever something has moved.
  void NoteMove();
  // Watches its socket for these events of Poller until further notice; 0: for nothing, not even an error. The same as
  // before costs no system call. Fails if the system has no room for it, and then nothing is watched.
  absl::Status Await(uint8_t events);
  uint8_t awaited() const { return awaited_; }
  // Has used up its turn, though there is more to do: OnTurn() comes after the loop has looked at all the others.
  void WaitForTurn();
  // OnPauseOver() comes in so long.
  void PauseFor(absl::Duration time);
  // OnTimer() comes in so long, if at all; replaces what was asked for before.
  void SetTimer(absl::Duration after);
  // Has the loop's helpers run the output's task; OnReady() comes, among others, when it is done. Until then the
  // time-out does not apply.
  void RunByHelper(Output& output);
  // The same for reading the file that the output sends next, where a disk would have to be waited for; false where
  // not.
  bool ReadByHelper(const Output& output);
  bool has_helper_task() const { return task_.is_under_way(); }
  // Moves the result, if any, into the output. False where it is not done yet.
  bool TakeResult(Output& output);

  EventShared& shared_;
  Counters& counters_;
  const UniqueFd fd_;

 private:
  ConnectionTimers& timers();

  uint8_t awaited_ = 0;
  ProgressWatch watch_;
  std::unique_ptr<ConnectionTimers> timers_;  // Null where it has never needed one.
  Offload::ClientTask task_;
};

struct EventShared {
  Poller* poller;
  Counters* counters;
  ConnectionLimit* connection_limit = nullptr;  // Null: there may be any number of clients.
  uint8_t extra_events = 0;                     // Poller::kEdge or 0, for every connection.
  int reads_per_turn = 1;      // The most that one connection may read before the others' turn, in buffers.
  ProgressLimits limits = {};  // Of the peers' progress.
  uint32_t ticks = 0;          // The loop's coarse clock, for these.
  bool stopping = false;
  bool grace_over = false;  // Of the stop.
  Output output;            // Empty between callbacks.
  char buffer[kReadBytes];
  boost::intrusive::list<EventClient, boost::intrusive::constant_time_size<false>> clients;
  EventClient::TurnList wait_for_turn;
  Timers timers;
  WakeList* wakes;   // The loop's.
  Offload* offload;  // The loop's; null where it has no helpers.
};

inline absl::Status EventClient::Await(uint8_t events) {
  return shared_.poller->Set(fd_.get(), awaited_, events, *this);
}

inline void EventClient::NoteMove() { watch_.NoteMove(shared_.ticks); }

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_
