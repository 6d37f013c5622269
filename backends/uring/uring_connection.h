// UringConnection: one client of the ring. The event driver asks whether it may read and then reads; this one always
// has a receive under way, and learns of bytes that have been received already. Two rules follow:
//
// - It has at most two operations under way, a receive and a send (or a wait until the socket takes more of a file, or
//   one of the socket to another server, which a session asks). It lives until both have completed, because the kernel
//   may still use what they point to.
// - Bytes may come while its output is not sent. They are held back from the session, and the receive is cancelled, so
//   that never more than one batch of bytes is held back.
//
// With UringOptions::zerocopy a send of much memory has two completions: its result, and, once the peer's system has
// acknowledged all of it, the news that the kernel needs the memory no longer. It counts as under way until then.
//
// All completions of a batch are noted first; then each connection goes on once (Proceed()), so that ten requests that
// came together are answered by one send, and all sends of all connections leave with one system call.
//
//   completion ─▶ OnReceived(), OnSent(), ... ─▶ shared.due ─▶ Proceed() ─▶ new operations ─▶ the next SubmitAndWait()
//                 note what has happened                       takes steps of the conversation
//
// Its end takes two steps as well:
//
//   over_ ─┬▶ no operation is under way: deleted
//          └▶ else cancelled_: its operations are being cancelled ─▶ all have completed: deleted
#ifndef POLYSERVE_BACKENDS_URING_URING_CONNECTION_H_
#define POLYSERVE_BACKENDS_URING_URING_CONNECTION_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/flush.h"
#include "backends/connection/offload.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/timers.h"
#include "backends/uring/ring.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

class UringConnection;
struct UringShared;

// The output of a connection, and what a send of it needs until it has completed. Only connections that have output own
// one, so an idle connection does not pay for it. Never moved while a send is under way: the kernel holds its address.
struct alignas(kTagAlignment) UringUnsent {
  // Pieces of memory that one sendmsg takes; the rest waits for the next one. As many as in Flush().
  static constexpr int kMaxPieces = 64;
  Output output;
  msghdr message;
  iovec pieces[kMaxPieces];
  // Of a send without a copy. The owner is null if the connection has ended: then this deletes itself.
  UringConnection* owner = nullptr;
  int result = 0;
  bool is_lent = false;  // The send is over, but not the kernel's use of the memory.
};

using UringHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One thread, that of the ring. Owns itself, from Start() to its end; in shared.connections, or shared.lingering,
// meanwhile. No call blocks. While it is idle it owns no buffer, only a receive that is under way.
class alignas(kTagAlignment) UringConnection final : public UringHook, public Wakeable {
  // Unlinks itself if the connection ends while it waits.
  using BufferHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  BufferHook buffer_queue_;

 public:
  using BufferQueue = boost::intrusive::list<
      UringConnection, boost::intrusive::member_hook<UringConnection, BufferHook, &UringConnection::buffer_queue_>,
      boost::intrusive::constant_time_size<false>>;

  // Starts serving. The connection must be counted in; it is deleted, and counted out, when the conversation is over
  // and no operation is under way. `shared` must outlive it.
  static void Start(Connection connection, UringShared& shared);

  // One of its operations has completed. These only note the result, and put the connection on shared.due; it goes on,
  // and may be deleted, in Proceed() alone. `result` is the byte count, or a negative errno.
  void OnReceived(const io_uring_cqe& completion);
  void OnSent(int result);
  static void OnSentLent(UringUnsent& unsent, const io_uring_cqe& completion, UringShared& shared);
  void OnWritable();
  void OnUpstream(int result);
  // A tick of the coarse clock: ends the conversation if the peer is silent or too slow (net/progress_watch.h).
  void OnTick();
  // It has lingered long enough.
  void OnLingerEnd();
  // The server stops, or the grace is over: ends the conversation if it has no reason to wait any longer.
  void OnStop();
  // Mail has come, or a task that ran on a helper is finished.
  void OnReady() override { ComeBack(); }

  // Starts the receives of the connections at the front of shared.awaiting_buffer, as many as the next batch has
  // buffers for. Called once in each iteration of the loop, after Proceed().
  static void ReceiveInTurn(UringShared& shared);

  // Goes on as far as it can without waiting, within its fair share. Called once in each iteration of the loop for each
  // connection on shared.due. May delete it.
  void Proceed();

  // Only while it is on shared.lingering.
  bool is_done_lingering() const { return linger_end_->passed(); }
  int LingerMilliseconds() const { return linger_end_->PollMilliseconds(); }

 private:
  UringConnection(Connection connection, UringShared& shared);
  ~UringConnection();

  // Shows received bytes to the session, or holds them back (the conversation decides). No bytes: the peer's end.
  // `at_once`: how many have come with the same receive; `arrival`: when the last of them has, if it is known.
  void TakeIn(absl::string_view bytes, size_t at_once, const std::optional<timespec>& arrival = std::nullopt);
  void OnTimer();
  // Takes the result of a task that ran on a helper. False: it is not finished.
  bool TakeResult();
  // Puts it on shared.due, unless it is there: Proceed() comes in this iteration of the loop, or in the next one if
  // this one's has begun.
  void ComeBack();
  // False: the conversation is over.
  bool TakeSteps();
  // Memory leaves by an operation of the ring. A file leaves by sendfile(2), which the ring does not have: if the
  // socket is full, it is polled.
  Flushed Send();
  void SendMemory();
  void AwaitWritable();
  // Goes on with what the output asks another server, an operation at a time. True: the output is answered.
  bool Ask();
  // Starts a receive, unless one is under way; or queues for a buffer. A receive for requests stays armed for the whole
  // conversation; a stream is received piece by piece.
  void Receive();
  // Prepares the receive itself.
  void AskForBytes();
  // False: the grace is over, so there is no time to linger.
  bool Linger();
  // Deletes it, or, while an operation is under way, cancels that first.
  void End();
  // Leaves the output to the kernel, which still reads it.
  void LeaveOutput();
  bool lends(int pieces) const;

  // Made when first used, because most connections never need them.
  ConnectionTimers& timers();
  // Where the session's answers go. Takes one from shared.spares if this connection has none.
  Output& output();
  void LetGoOfOutput();  // All is sent: the buffers go back to shared.spares.
  // What is_stream_ says, or the stop: with a single receive it is known when nothing is left to read.
  bool reads_by_pieces() const;
  bool is_lingering() const { return conversation_.step() == Step::kLinger; }
  void NoteMove();

  UringShared& shared_;
  Counters& counters_;
  UniqueFd fd_;
  const int place_;  // In the ring's table of sockets; UringRing::kNoPlace: in none.
  ProgressWatch watch_;
  // Of the loop's iteration, and of the two operations. An operation counts as under way from its preparation on.
  bool is_due_ = false;          // On shared.due.
  bool receiving_ = false;       // A receive is under way.
  bool sending_ = false;         // A send is, or the wait to go on with a file, or what is_asking_ says.
  bool is_asking_ = false;       // An operation of the other server's socket is.
  bool stop_receiving_ = false;  // The receive under way is no longer the right one.
  bool is_stream_ = false;       // More comes at once than the buffers for requests are for.
  bool copies_ = false;          // The kernel cannot send without a copy here.
  bool over_ = false;
  bool cancelled_ = false;  // Over, and waits only for the completions.
  Conversation conversation_;
  std::unique_ptr<WakeList::Entry> mail_;  // Null while the session has no mailbox.
  std::unique_ptr<UringUnsent> unsent_;    // Null while there is no output.
  std::optional<Deadline> linger_end_;
  std::unique_ptr<ConnectionTimers> timers_;  // Null until it first sets one.
  Offload::ClientTask task_;
};

// What the connections of one ring share. The loop sets the flags and the clock; none of it is for another thread.
struct UringShared {
  using Connections = boost::intrusive::list<UringConnection, boost::intrusive::constant_time_size<false>>;

  UringRing* ring;
  WakeList* wakes;
  Offload* offload;  // Null if the loop has no helpers.
  Counters* counters;
  ConnectionLimit* connection_limit;  // Null if there is no limit.
  ProgressLimits limits = {};         // Of the peers' progress.
  uint32_t ticks = 0;                 // The coarse clock, for these.
  TimedTurn turn = {};                // The loop's present one.
  bool stopping = false;
  bool grace_over = false;  // Of the stop.
  bool ran_task = false;    // In this turn.
  int lent = 0;             // Outputs that are still the kernel's, while their connections have ended.
  // They proceed when all completions of the batch are noted. None of them is deleted before, since only Proceed() does
  // that, so the pointers are good.
  std::vector<UringConnection*> due;
  // The connections whose next receive would find no buffer, and, while there are any, all that read by pieces: the
  // kernel gives the few large buffers to the receives that were started first, so without a queue the same connections
  // would get them each time.
  UringConnection::BufferQueue awaiting_buffer;
  std::vector<std::unique_ptr<UringUnsent>> spares;  // For the next connection that has output.
  Connections connections;
  Timers timers;
  const Output no_output = {};  // The output of all connections that have none.
  // The one that began first comes first. All linger equally long, so its end is the next.
  Connections lingering;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_CONNECTION_H_
