// EventConnection: the event driver. It serves one client of an event loop by callbacks, and does what the state
// machine of its conversation says (backends/connection/conversation.h). While nothing is unsent it owns no buffer: it
// reads into the loop's, and what the session answers is sent from the loop's output at once. Only what the socket does
// not take is parked with the connection, and until that is sent, nothing more is read: so a peer that does not read
// its replies stops being read from, and memory stays bounded.
//
//   state      watched for                         left by
//   reading    kReadable; nothing while the        input, mail, the timer, the stop
//              session takes no input
//   parked     kWritable; during a task, a pause   OnEvents(); OnReady(), OnPauseOver()
//              or a wait for the ack: nothing
//   lingering  kReadable, and discards it          the peer's end, kLingeringCloseTimeout: deleted
//
// If helpers run the sessions (half-sync/half-async, Offload::runs_sessions()), it only reads and writes. Each piece of
// input goes to a helper, which shows it to the session, and comes back as output; meanwhile the session is "away", and
// nothing here touches the conversation:
//
//   reading ── input ──▶ parked, and away ── OnReady() ──▶ sends what the helper brought ─▶ reading
//                        OnTimer(), OnStop(): remembered until then
//
// With edge triggering (--trigger=edge) readiness is reported once, so a callback reads until the socket is empty, or
// remembers by WaitForTurn() that it is not.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/flush.h"
#include "backends/event/event_client.h"
#include "protocol/output.h"

namespace polyserve {

class EventConnection : public EventClient {
 public:
  // Starts serving; a StartClient. The connection owns itself from here on, and is deleted when the conversation is
  // over. If it cannot be watched, it is closed at once, with a warning.
  static void Start(Connection connection, EventShared& shared);

  // The loop's calls, as event_client.h describes them. Each goes on with the conversation as far as that is possible
  // without waiting, within its fair share of the turn, and may delete the connection at its end.
  void OnEvents(uint8_t events) override;
  void OnTurn() override;
  void OnPauseOver() override;
  void OnTimer() override;
  void OnStop() override;
  void OnReady() override;
  void Drop() override { delete this; }

 private:
  Debt debt() const override { return conversation_.debt(); }
  bool may_be_refused() const override { return conversation_.may_be_refused(); }
  // Only if helpers run the sessions.
  bool is_away() const override { return has_helper_task() && shared_.offload->runs_sessions(); }

  EventConnection(Connection connection, EventShared& shared);
  ~EventConnection() override;

  // Each returns false if the connection is over; the caller, a callback, then deletes it. None deletes it itself, so
  // that they can call each other.
  //
  // Events of the socket: reads as often as the turn allows, or continues with what is parked.
  bool OnReadable();
  bool OnWritable();
  bool ReadOnce(bool& drained);
  bool TakeIn(ssize_t count, bool& drained);
  // What follows: GoOn() after a wait for something other than input, Proceed() after input.
  bool GoOn();
  bool Proceed();
  bool TakeSteps(Output& output);
  bool ReadOn();
  // If helpers run the sessions: has one do these calls, and those that follow from them without the socket.
  bool RunsApart() const { return shared_.offload != nullptr && shared_.offload->runs_sessions(); }
  bool ShowByHelper(size_t count);
  bool ResumeByHelper(Output& output);
  void RunSession(Output& output);
  void CatchUp();
  void RingTimer();  // May delete this.
  // The ways to stop for now: for room in the socket, for a timer or a helper, for the peer's end. The first two move
  // the output out of the loop, so the loop's may be used for the next connection.
  bool Park(Output& output, Flushed why);
  bool ParkUntilCalled(Output& output);
  bool Linger();
  bool Discard();

  // Moves the output into parked_, unless it is there already.
  void SetAside(Output& output);
  bool is_lingering() const { return conversation_.step() == Step::kLinger; }
  bool edge_triggered() const;
  absl::Status AwaitInput();

  bool timer_rang_ = false;    // While the session was away, or waited for its turn.
  bool end_has_come_ = false;  // The peer's last bytes are there, with no further edge behind them (edges only).
  Conversation conversation_;
  std::unique_ptr<WakeList::Entry> mail_;  // Null if there is no mailbox.
  std::unique_ptr<Output> parked_;         // What is not sent yet; null while it waits for input.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_
