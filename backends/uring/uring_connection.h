// UringConnection: one client of the ring. Where the event driver asks whether it may read and then reads, this one has
// a receive under way all the time, and learns of bytes that have been received already. Two rules follow:
//
// - It asks for no more than two operations at once, a receive and a send (or a wait for the moment a file can go on),
//   and lives until both have completed: the kernel may still use what they point to.
// - Bytes may come while its output is not sent. They are held back from the session, and the receive is cancelled:
//   more than one batch of it never comes.
//
// All completions of a batch are noted first; then each connection goes on once (Proceed()), so that ten requests that
// came together are answered by one send, and all sends of all connections leave with one system call.
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
#include "backends/connection/timers.h"
#include "backends/uring/ring.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

struct UringShared;

// The output of a connection, and what a send of it needs until it is submitted. Only those who have output have one.
struct UringUnsent {
  static constexpr int kMaxPieces = 64;
  Output output;
  msghdr message;
  iovec pieces[kMaxPieces];
};

using UringHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class alignas(kTagAlignment) UringConnection final : public UringHook, public Wakeable {
  // Unlinks itself if the connection ends while it waits.
  using BufferHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  BufferHook buffer_queue_;

 public:
  using BufferQueue = boost::intrusive::list<
      UringConnection, boost::intrusive::member_hook<UringConnection, BufferHook, &UringConnection::buffer_queue_>,
      boost::intrusive::constant_time_size<false>>;

  // Starts serving. The connection owns itself from here on, and is deleted when the conversation is over.
  static void Start(Connection connection, UringShared& shared);

  // What has completed. None of them deletes it or makes it go on: that is Proceed().
  void OnReceived(const io_uring_cqe& completion);
  void OnSent(int result);
  void OnWritable();
  // Time has passed: it is over if its peer is silent or too slow; it has lingered long enough.
  void OnTick();
  void OnLingerEnd();
  // The server stops, or the grace is over: it ends if it has nothing to wait for any more.
  void OnStop();
  void OnReady() override { ComeBack(); }

  // Arms the receives of those at the front of shared.awaiting_buffer, as many as the next batch has buffers for.
  // Called once a turn, behind Proceed().
  static void ReceiveInTurn(UringShared& shared);

  // Goes on as far as it can without waiting. Called once a turn for those on shared.due. May delete it.
  void Proceed();

  bool is_done_lingering() const { return linger_end_->passed(); }
  int LingerMilliseconds() const { return linger_end_->PollMilliseconds(); }

 private:
  UringConnection(Connection connection, UringShared& shared);
  ~UringConnection();

  void TakeIn(absl::string_view bytes);
  void OnTimer();
  bool TakeResult();
  void ComeBack();
  bool TakeSteps();
  Flushed Send();
  void SendMemory();
  void AwaitWritable();
  void Receive();
  void AskForBytes();
  bool Linger();
  void End();

  ConnectionTimers& timers();
  Output& output();
  void LetGoOfOutput();
  bool reads_by_pieces() const;
  bool is_lingering() const { return conversation_.step() == Step::kLinger; }
  void NoteMove();

  UringShared& shared_;
  Counters& counters_;
  UniqueFd fd_;
  ProgressWatch watch_;
  bool is_due_ = false;          // On shared.due.
  bool receiving_ = false;       // A receive is under way.
  bool sending_ = false;         // A send is, or the wait to go on with a file.
  bool stop_receiving_ = false;  // The receive under way is no longer the right one.
  bool is_stream_ = false;       // More comes at once than a request's buffer holds.
  bool over_ = false;
  bool cancelled_ = false;  // Over, and waits only for the completions.
  Conversation conversation_;
  std::unique_ptr<WakeList::Entry> mail_;  // Null where there is no mailbox.
  std::unique_ptr<UringUnsent> unsent_;    // Null while there is no output.
  std::optional<Deadline> linger_end_;
  std::unique_ptr<ConnectionTimers> timers_;  // Null where it has never needed one.
  Offload::ClientTask task_;
};

// What the connections of one ring share.
struct UringShared {
  using Connections = boost::intrusive::list<UringConnection, boost::intrusive::constant_time_size<false>>;

  UringRing* ring;
  WakeList* wakes;
  Offload* offload;  // Null where the loop has no helpers.
  Counters* counters;
  ConnectionLimit* connection_limit;
  ProgressLimits limits = {};  // Of the peers' progress.
  uint32_t ticks = 0;          // The coarse clock, for these.
  bool stopping = false;
  bool grace_over = false;            // Of the stop.
  bool ran_task = false;              // In this turn.
  std::vector<UringConnection*> due;  // They proceed when all completions of the batch are noted.
  // Those whose next receive would find no buffer, and as long as there are any, all that read by pieces: the kernel
  // lends the few large buffers to those that ask first, so without a queue the same would have them for ever.
  UringConnection::BufferQueue awaiting_buffer;
  std::vector<std::unique_ptr<UringUnsent>> spares;  // For the next use.
  Connections connections;
  Timers timers;
  const Output no_output = {};  // Of those that have none.
  Connections lingering;        // Whoever lingers longest comes first.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_CONNECTION_H_
