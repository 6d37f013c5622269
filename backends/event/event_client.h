// EventClient: what an event loop knows of a client, whether EventConnection serves it by callbacks or a coroutine
// does. EventShared: what the clients of one loop share.
//
// What a client asks of its loop, and the call by which the loop answers:
//
//   Await(events)       OnEvents()     the socket is ready (Watched, backends/poller/poller.h)
//   WaitForTurn()       OnTurn()       the other clients have had their turn
//   WaitInLine()        OnTurn()       those before it have been served (--overload)
//   PauseFor(time)      OnPauseOver()  the time has passed
//   GoOnAsking()        OnPauseOver()  the other server that is asked has something to read, or room
//   SetTimer(after)     OnTimer()      likewise; the session's own timer
//   RunByHelper(), ...  OnReady()      the task is done, or the mailbox has mail (Wakeable, net/wake_list.h)
//   (nothing)           OnStop()       the server stops, or the grace is over
//   (nothing)           OnTick()       the coarse clock has ticked: is the peer silent, or too slow?
//
// An idle client costs one object and, with epoll(7), nothing at a wait. All calls come from the loop's thread, and
// none blocks.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/connection/conversation.h"
#include "backends/connection/offload.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/timers.h"
#include "backends/connection/upstream.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

class ConnectionLimit;
class ReadyLine;
struct EventShared;

// Joins its loop when it is created, and leaves it when it is destroyed: its socket is no longer watched, its timers
// are cancelled, its task is forgotten, and its end is counted. A derived class owns itself, and decides how it is
// destroyed (delete, or the end of a coroutine). None of these calls touches another client.
class EventClient : public boost::intrusive::list_base_hook<>, public Wakeable, public Watched {
  // Unlinks itself if the client ends while it waits.
  using TurnHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  TurnHook turn_;
  friend class ReadyLine;  // In which it waits by that hook.

 public:
  using TurnList =
      boost::intrusive::list<EventClient, boost::intrusive::member_hook<EventClient, TurnHook, &EventClient::turn_>,
                             boost::intrusive::constant_time_size<false>>;

  // Continues what WaitForTurn() or WaitInLine() put off. May destroy the client.
  virtual void OnTurn() = 0;
  // The time that PauseFor() was given has passed, or the other server that is asked is ready. May destroy the client.
  virtual void OnPauseOver() = 0;
  // The time that SetTimer() was given has passed. May destroy the client.
  virtual void OnTimer() = 0;
  // Called at most twice: when the server stops, and when the grace is over (net/signals.h). Ends the client if it has
  // nothing to wait for any more. May destroy it.
  virtual void OnStop() = 0;
  // Ends the client at once, whatever it waits for, and destroys it.
  virtual void Drop() = 0;

  // Drops the client if its peer is silent or too slow; see net/progress_watch.h. Not while a helper runs its task, or
  // while it is away, or waits for its turn: then the peer waits for us.
  void OnTick();

 protected:
  // What its peer owes at the moment, for OnTick().
  virtual Debt debt() const = 0;
  // Another thread has its conversation, or is about to take it: no call of the loop may touch that.
  virtual bool is_away() const { return false; }
  // Whether the request that comes next may be refused, as IsRefused() will find; see Conversation::may_be_refused().
  virtual bool may_be_refused() const { return false; }

  // Takes over the socket, which must be non-blocking. Counts for this service.
  EventClient(UniqueFd fd, EventShared& shared, int service);
  virtual ~EventClient();

  // Call it whenever something was received or sent: the idle time-out begins anew.
  void NoteMove();
  // Watches the socket for these events of Poller until the next call; 0: for nothing, not even an error, and that
  // cannot fail. The same events as before cost no system call. If it fails (the system has no room, or the poller
  // cannot watch this descriptor), nothing is watched.
  absl::Status Await(uint8_t events);
  uint8_t awaited() const { return awaited_; }
  // The client has used up its turn (backends/connection/fairness.h) but has more to do: OnTurn() comes after the loop
  // has looked at all the others. Calling it again before that changes nothing.
  void WaitForTurn();
  // The socket has brought something, perhaps a request. True: it waits for its turn, at which OnTurn() comes: in a
  // loop with a queue discipline (EventShared::line), which may refuse the request then; see IsRefused(). False: go on.
  bool WaitInLine();
  // It waits for OnTurn(). Input that has come in time is there, unread: what a timer says must not go before it.
  bool waits_for_turn() const { return turn_.is_linked(); }
  // Whether the request whose bytes have come is to be refused by Conversation::Refuse(), which is counted. Ask it with
  // each bytes before they are shown to the session.
  bool IsRefused(const Conversation& conversation) const;
  // OnPauseOver() comes after this time; replaces an earlier pause.
  void PauseFor(absl::Duration time);
  // For Step::kAsk: goes on with what the output asks another server, as far as that is possible at once. True: the
  // output is answered. False: call it again when OnPauseOver() comes, at the latest when the time for it is over.
  bool GoOnAsking(Output& output);
  // Watches that server's socket, with these flags of Poller: OnPauseOver() comes when it is ready.
  absl::Status WatchUpstream(Upstream& upstream, uint8_t flags = 0);
  // OnTimer() comes after this time, never if it is infinite; replaces an earlier timer.
  void SetTimer(absl::Duration after);
  // Has the loop's helpers run the task (there must be helpers, and one task at a time). OnReady() comes when
  // it is done, but for other reasons too: ask TakeResult(). Until then the time-outs do not apply. `refusal`, unless
  // it is null: what they run instead if they have too much to do (Offload::Submit()).
  void RunByHelper(Output::Task task, Output::Task refusal = nullptr);
  // The same for reading the file that the output sends next, if sending it would wait for a disk. False if it would
  // not, or there are no helpers: go on and send.
  bool ReadByHelper(const Output& output);
  bool has_helper_task() const { return task_.is_under_way(); }
  bool has_helpers() const;
  // If the task is done, moves its result, if any, into the output, and returns true.
  bool TakeResult(Output& output);

  // What the thread that serves it lends to it for the moment: buffers, and how far the server's stop has come.
  EventShared& lent() { return shared_; }
  // The wait that has brought what it is served for, if that is timed; see timed_turn.h.
  const TimedWait* timed() const;
  // See WakeList::Watch(). Call it before each wait.
  void WatchMail(Mailbox* mailbox, std::unique_ptr<WakeList::Entry>& entry);

  EventShared& shared_;
  Counters& counters_;
  const UniqueFd fd_;
  const int16_t service_;

 private:
  ConnectionTimers& timers();
  void JoinLine();

  uint8_t awaited_ = 0;
  bool is_in_line_ = false;
  ProgressWatch watch_;
  std::unique_ptr<ConnectionTimers> timers_;  // Null until the first one is set: most clients need none.
  Offload::ClientTask task_;
  // Last, and short, so that a derived class has its own small members beside it: an idle connection is to cost little.
  uint32_t in_line_since_ = 0;  // See ReadyLine; if it is in its line.
};

// What the clients of one loop share. The loop owns it, and it outlives them; only the loop's thread looks at it.
struct EventShared {
  Poller* poller;
  Counters* counters;
  ConnectionLimit* connection_limit = nullptr;  // Null: there may be any number of clients.
  uint8_t extra_events = 0;                     // Poller::kEdge or 0, for every connection.
  int reads_per_turn = 1;      // The most that one connection may read before the others' turn, in buffers.
  ProgressLimits limits = {};  // Idle time-out and least rate.
  uint32_t ticks = 0;          // The loop's coarse clock, for these; modulo 2^32.
  TimedTurn turn = {};         // The loop's present one.
  bool stopping = false;
  bool grace_over = false;  // Of the stop.
  // One output and one buffer for all: a client that has nothing unsent owns neither. Empty between two callbacks.
  Output output;
  std::unique_ptr<Output> spare_output;  // The same for clients that keep one while they are busy; null: make one.
  char buffer[kReadBytes];
  boost::intrusive::list<EventClient, boost::intrusive::constant_time_size<false>> clients;
  EventClient::TurnList wait_for_turn;
  ReadyLine* line = nullptr;  // The loop's; null if clients are served as they become ready (Overload::kWait).
  // The client that has its turn has found the line full, or has waited for too long: the counter for that; see
  // EventClient::IsRefused(). Null: its request is welcome.
  std::atomic<int64_t>* refused_as = nullptr;
  Timers timers;
  WakeList* wakes;   // The loop's.
  Offload* offload;  // The loop's; null if it has no helpers.
};

inline const TimedWait* EventClient::timed() const { return shared_.turn.timed(); }

inline absl::Status EventClient::Await(uint8_t events) {
  return shared_.poller->Set(fd_.get(), awaited_, events, *this);
}

// Inline, since nearly all loops have no line.
inline bool EventClient::WaitInLine() {
  if (shared_.line == nullptr) return false;
  JoinLine();
  return true;
}

inline bool EventClient::has_helpers() const { return shared_.offload != nullptr; }

inline void EventClient::WatchMail(Mailbox* mailbox, std::unique_ptr<WakeList::Entry>& entry) {
  shared_.wakes->Watch(mailbox, *this, entry);
}

inline void EventClient::NoteMove() { watch_.NoteMove(shared_.ticks); }

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_CLIENT_H_
