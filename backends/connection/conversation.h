// Conversation: the state machine of one connection, between its session and its peer. It decides what happens next;
// a driver does it, and is the only one to read, send or wait. Free of I/O, so it is tested without sockets.
//
//   while (true) {
//     switch (conversation.Next(output)) {
//       case Step::kRead:    ... recv(), then conversation.OnBytes() or OnEnd()
//       case Step::kSend:    ... send(), then output.Sent()
//       case Step::kRunTask: output.TakeWork()(output); break;
//       ...
//
// The states are the steps. Each is left when the driver has done it; Next() then finds the one that follows:
//
//             bytes, end of input              all sent                     time passed
//    ┌▶ kRead ───────────────────▶ kSend ─┬──────────────▶ kAwaitAck ───────────────────▶ kRunTask
//    │    │ mail, timer              ▲    ├──────────────────────────────────────────────▶   │
//    │    └────────▶ kResume ────────┤    │ the session has a task                           │
//    │                  ▲            ├────┼──────────────────────────────────────────────────┘
//    │                  │            │    │                                        its result
//    │                  │            │    ├──────────────────────────────────────────────▶ kAsk
//    │                  │            │    │ the session asks another server                  │
//    │                  │            └────┼──────────────────────────────────────────────────┘
//    │                  │                 │                        what it makes of the reply
//    │                  └─────────────────┤ input is held up, or there is mail
//    │                                    │
//    ├──────────── kSetTimer ◀────────────┤ the session has asked for a timer
//    └────────────────────────────────────┤ nothing is left to do
//                                         ├▶ kLinger     the session has closed the connection
//                                         └▶ kEnd        the peer has sent its last, and is answered
//
// For connections only. A datagram is shown and answered at once, and a UDP peer neither lingers nor acknowledges, so
// the drivers in backends/udp have no states to speak of.
//
// While the server stops, kRead becomes kReadLast if the peer has no request under way and the grace is over. A member
// of a room that was cut off goes to kEnd from any state. kLinger and kEnd are final.
#ifndef POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_
#define POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/address_places.h"
#include "backends/connection/timed_request.h"
#include "base/mailbox.h"
#include "net/connection_table.h"
#include "net/progress_watch.h"
#include "net/request_times.h"
#include "net/statistics.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

// What is to be done now.
enum class Step : uint8_t {
  kRead,      // Wait for input (if takes_input()), mail, the timer or the stop, and report it. All output is sent.
  kReadLast,  // Read what has come, without waiting; report OnDrained() if there is nothing.
  kSend,      // Send from the front of the output, count its requests, and half-close (all of it is Flush()).
  kAwaitAck,  // Wait for as long as AckWaitLeft() says, if at all.
  kAsk,       // Ask the other server (upstream.h), and have the output answered with its reply.
  kRunTask,   // Run the output's task, here or on another thread; its result is the new output.
  kResume,    // Call Resume(), which may produce much output: a loop may let other connections go first.
  kSetTimer,  // Set the connection's one timer to TakeTimer(), and call OnTimer() when it runs out.
  kLinger,    // Stop sending, and read until the peer closes; see lingering_close.h.
  kEnd,       // Close.
};

// Not thread-safe, but no call has to come from the same thread as the one before.
class Conversation {
 public:
  // `entry`: shows other processes what this one does; see ConnectionTable. Empty: nothing does. `place`: among the
  // connections of its address. If that is refused, so is the connection: its first step is kEnd. `service`: its number
  // in the statistics.
  explicit Conversation(std::unique_ptr<Session> session, ConnectionTable::Entry entry = ConnectionTable::Entry(),
                        AddressPlaces::Place place = AddressPlaces::Place(), int service = kNoService)
      : session_(std::move(session)),
        mailbox_(session_->mailbox()),
        entry_(std::move(entry)),
        place_(std::move(place)),
        service_(static_cast<int16_t>(service)),
        step_(place_.is_refused() ? Step::kEnd : Step::kRead),
        awaits_client_(session_->awaits_client()) {}

  // The connection is not to be served: close it, without a step.
  bool is_refused() const { return place_.is_refused(); }

  // The next step. `output` is the one that the calls below append to; it may be another object at kRead, when nothing
  // is in it.
  Step Next(const Output& output) {
    has_unsent_ = !output.empty();
    const Step before = step_;
    step_ = Decide(output);
    entry_.Show(ActivityAt(step_));
    if (timed_ != nullptr) TimeStep(before, output);
    return step_;
  }
  // What Next() returned last.
  Step step() const { return step_; }
  // For Flush(), which counts the requests there.
  ConnectionTable::Entry& entry() { return entry_; }

  // --- What the driver reports. ---

  // Bytes have come. Shows them to the session, behind those it left over. If the last step is not done yet (only a
  // driver whose kernel reads ahead reports bytes then), they are held up until the output is sent. `is_full`: the read
  // returned as much as it could, so that there is probably more.
  void OnBytes(absl::string_view bytes, Output& output, bool is_full = false);

  // Instead of OnBytes(): the server has too much to do, and the request that has come is refused. Its bytes, and what
  // follows, are discarded: the connection closes behind what the session says to that. REQUIRES: may_be_refused(), or
  // that nothing was reported so far.
  void Refuse(Output& output);

  // The peer sends no more. The session learns that once it has been shown all that came before.
  void OnEnd(Output& output);

  // There was nothing to read. At kReadLast, that is the end.
  void OnDrained() { is_drained_ = step_ == Step::kReadLast; }

  // The timer of kSetTimer has run out; at any time.
  void OnTimer() { timer_is_due_ = true; }

  // For kSetTimer: in how long; infinite: never. Discards an OnTimer() that the session has not seen yet.
  absl::Duration TakeTimer(Output& output) {
    timer_is_due_ = false;
    return output.TakeWakeIn();
  }

  // For kResume: shows the session input that was held up, mail, or the time.
  void Resume(Output& output);

  // The server stops, or a pool wants the connection's worker for clients that wait; `grace_over`: it waits no longer
  // for peers between two requests. Call it at any time, and as often as convenient. From now on the output is closed
  // behind the answer to what comes next. Returns true if this was news: then the next step may be another one.
  bool OnStop(bool grace_over);

  // For a driver that serves a connection by one thread and then by another: it is the calling one now.
  void MoveToThisThread() {
    entry_.MoveToThisThread();
    if (timed_ != nullptr) timed_->Run(RequestPart::kRun, RequestPart::kOffCpu);
  }

  // --- Where the time of a request goes. While none is timed, each costs a branch. ---

  bool is_timed() const { return timed_ != nullptr; }

  // The request whose bytes OnBytes() is about to show is timed, until it is answered; see timed_receive.h. Does
  // nothing, and returns false, if an earlier request is timed, or the bytes would be held up.
  bool StartTiming(const RequestTimes& times, const TimedRequest::Arrival& arrival);

  // The driver goes on with something else. What passes until the next call here counts for this part.
  void Leave(RequestPart part) {
    if (timed_ != nullptr) timed_->Wait(part);
  }

  // The send that was done for kSend has waited for the peer. For a driver whose sends wait.
  void NoteWaitForPeer() {
    if (timed_ != nullptr) timed_->OffProcessorIs(RequestPart::kPeer);
  }

  // For kRunTask, if the task is for another thread: takes it out of the output. Between now and its beginning, and
  // behind its end, the request is queued.
  Output::Task TakeTask(Output& output);

  // Call it before requests are counted, if that is done before Next().
  void NoteAnswer(const Output& output) {
    if (timed_ == nullptr) return;
    timed_->is_counted = timed_->is_counted || output.has_counts();
    timed_->is_answered = timed_->is_answered || (timed_->is_counted && !output.empty());
  }

  // --- What the driver may ask. ---

  // OnBytes() would show bytes to the session now instead of holding them up. If not so at kRead, the session waits for
  // room where it passes its input on to (Mailbox::awaits_room()), or the peer's end was shown: read nothing.
  bool takes_input() const { return waits_for_input() && !paused_ && peer_end_ != PeerEnd::kIsShown; }

  // All is sent, and the next thing to happen is input, mail, the timer or the stop.
  bool waits_for_input() const { return step_ <= Step::kReadLast; }

  // The connection is to be closed as soon as what has come is answered: the server stops, no request is under way, and
  // the grace is over. A session with a mailbox has no next request to wait for, and thus no grace.
  bool is_leaving() const {
    return stop_ != Stop::kNone && (stop_ == Stop::kGraceOver || mailbox_ != nullptr) && idle();
  }

  // Between requests: as far as this side knows, closing now would cut off nothing.
  bool idle() const { return held_ == nullptr && !paused_ && session_->idle(); }

  // What comes next is the beginning of a request that may be refused. Members of a room wait for others, not for the
  // server; and an answer that is due has to be given.
  bool may_be_refused() const {
    return takes_input() && mailbox_ == nullptr && peer_end_ == PeerEnd::kNone && idle() && session_->is_refusable();
  }

  // What the peer owes at the current step; its progress is measured by that.
  Debt debt() const;

  // The session's mailbox; null if it has none, and then it costs nothing. It may come into being during any call that
  // shows input.
  Mailbox* mailbox() const { return mailbox_; }
  bool has_mail() const { return mailbox_ != nullptr && mailbox_->has_mail(); }
  bool is_cut_off() const { return mailbox_ != nullptr && mailbox_->is_cut_off(); }

  // What to send, if the socket takes it at once, before a connection is closed; empty if there is nothing to say, or
  // if a reply is half sent. See closing_message.h.
  absl::string_view closing_message() const {
    return has_unsent_ || is_refused() ? absl::string_view() : session_->closing_message();
  }

 private:
  enum class Stop : uint8_t { kNone, kStopping, kGraceOver };
  enum class PeerEnd : uint8_t { kNone, kHasCome, kIsShown };
  // Input that the session has not consumed; never empty.
  struct HeldInput {
    std::string bytes;
    size_t begin = 0;  // Those before it are consumed.
    absl::string_view rest() const { return absl::string_view(bytes).substr(begin); }
  };

  Step Decide(const Output& output) const;
  static ConnectionTable::Activity ActivityAt(Step step);
  bool awaits_room() const { return mailbox_ != nullptr && mailbox_->awaits_room(); }
  void ResumeInput(Output& output);
  void Show(absl::string_view bytes, Output& output);
  void NoteClient();
  void ShowEnd(Output& output);
  void ShowTime(Output& output);
  bool ShowMail(Output& output);
  void CloseIfLast(Output& output);
  void Hold(absl::string_view bytes);
  void KeepRest(absl::string_view rest);
  void TimeStep(Step before, const Output& output);

  std::unique_ptr<Session> session_;
  Mailbox* mailbox_;
  ConnectionTable::Entry entry_;
  AddressPlaces::Place place_;
  std::unique_ptr<HeldInput> held_;           // Null if the session has consumed all: most connections are silent.
  boost::intrusive_ptr<TimedRequest> timed_;  // Null if no request is timed.
  const int16_t service_;
  Step step_;
  Stop stop_ = Stop::kNone;
  PeerEnd peer_end_ = PeerEnd::kNone;
  bool paused_ = false;           // The session is shown no input before Resume().
  bool is_drained_ = false;       // Since kReadLast.
  bool timer_is_due_ = false;     // OnTimer() was called, the session was not.
  bool has_unsent_ = false;       // As far as Next() knows, or may be since.
  bool mail_first_ = false;       // At the next Resume(): input that is held up and mail take turns.
  bool is_asked_again_ = false;   // Input has come since the stop.
  bool more_may_follow_ = false;  // Behind the last bytes.
  bool awaits_client_;            // The peer has not yet named the client that it speaks for.
};

// The order matters: what the session has said goes out before it sees anything new, and a timer that it has just
// replaced does not fire. Inline, since it runs twice for each request.
inline Step Conversation::Decide(const Output& output) const {
  if (is_cut_off()) return Step::kEnd;
  if (step_ >= Step::kLinger) return step_;
  if (!output.empty() || output.has_counts() || output.half_closes()) return Step::kSend;
  if (output.asks()) return Step::kAsk;
  if (output.has_work()) return output.waits_before_work() ? Step::kAwaitAck : Step::kRunTask;
  if (peer_end_ == PeerEnd::kIsShown && (output.closing() || !session_->outlives_input())) return Step::kEnd;
  if (output.closing()) return Step::kLinger;
  if (paused_ && !awaits_room()) return Step::kResume;
  if (output.asks_for_wake()) return Step::kSetTimer;
  if (timer_is_due_ || has_mail()) return Step::kResume;
  if (!is_leaving()) return Step::kRead;
  return is_drained_ ? Step::kEnd : Step::kReadLast;
}

// A table, since a branch for each step would cost more than the store that it is for.
inline ConnectionTable::Activity Conversation::ActivityAt(Step step) {
  using Activity = ConnectionTable::Activity;
  constexpr Activity kActivities[] = {Activity::kWaits,  Activity::kWaits, Activity::kSends, Activity::kSends,
                                      Activity::kWorks,  Activity::kWorks, Activity::kWorks, Activity::kWorks,
                                      Activity::kCloses, Activity::kCloses};
  return kActivities[static_cast<uint8_t>(step)];
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_
