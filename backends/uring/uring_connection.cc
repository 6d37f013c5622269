#include "backends/uring/uring_connection.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_conversation.h"
#include "backends/connection/timed_receive.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/upstream.h"
#include "net/request_times.h"
#include "net/socket.h"
#include "net/tcp_bytes.h"
#include "trace/trace.h"

namespace polyserve {

namespace {

// Unsent outputs that are kept for the next use, and what each of them may hold: 3 MiB at most.
constexpr size_t kMaxSpares = 512;
constexpr size_t kMaxSpareBytes = 4096;

// From here on the kernel may be spared the copy: pinning the pages, and a second completion, cost as much as copying
// less (the manual page of io_uring_prep_send_zc(3) says so of small sends; the bound is that of docs/models.md).
constexpr size_t kLeastLent = 16 * 1024;

// What liburing 2.3 does not name yet (linux/io_uring.h): goes into sqe.ioprio of a receive.
constexpr uint16_t kReceiveBundle = 1U << 4;

// This socket, or this user (RLIMIT_MEMLOCK), cannot do without the copy.
bool NeedsCopy(int result) { return result == -EOPNOTSUPP || result == -ENOMEM || result == -ENOBUFS; }

// The receive has ended, but not the conversation: out of buffers for a moment, cancelled, interrupted, or (of a
// receive that does not wait) nothing was there.
bool IsToBeRepeated(int result) {
  return result == -ENOBUFS || result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

}  // namespace

UringConnection::UringConnection(Connection connection, UringShared& shared)
    : shared_(shared),
      counters_(OfService(*shared.counters, connection.listener->number)),
      fd_(std::move(connection.fd)),
      place_(shared.ring->Register(fd_.get())),
      watch_(shared.ticks),
      conversation_(StartConversation(*connection.listener, fd_.get())) {
  shared.connections.push_back(*this);
  if (shared.stopping) conversation_.OnStop(shared.grace_over);
  shared.wakes->Watch(conversation_.mailbox(), *this, mail_);
}

// The closing message leaves by a call of its own: operations of a batch have no order, so the close could overtake it.
UringConnection::~UringConnection() {
  SendClosingMessage(fd_.get(), conversation_, counters_);
  shared_.ring->Close(std::move(fd_), place_);
  CountEnd(counters_, shared_.connection_limit);
}

// The receive is prepared at once and not when the socket is ready: whether bytes are there already or still to come
// makes no difference to it.
void UringConnection::Start(Connection connection, UringShared& shared) {
  UringConnection* self = new UringConnection(std::move(connection), shared);
  self->conversation_.is_refused() ? self->ComeBack() : self->Receive();
}

// A multishot receive completes many times; only the completion without IORING_CQE_F_MORE is its last, be it for an
// error, for want of a buffer, or because it was cancelled. The buffer goes back whatever happened to the bytes.
void UringConnection::OnReceived(const io_uring_cqe& completion) {
  Trace::Mark(Traced::kComplete, fd_.get(), completion.res);
  receiving_ = (completion.flags & IORING_CQE_F_MORE) != 0;
  // One that has ended by itself need not be cancelled.
  if (!receiving_) stop_receiving_ = false;
  const UringBuffers& buffers = shared_.ring->buffers();
  if (completion.res >= 0) {
    const size_t all = buffers.SizeOf(completion);
    const bool is_timed = shared_.turn.timed() != nullptr;
    if (all == 0) TakeIn({}, all);
    for (int i = 0; i < buffers.CountOf(completion); ++i) {
      TakeIn(buffers.BytesOf(completion, i), all, is_timed ? buffers.ArrivalOf(completion) : std::nullopt);
    }
  } else if (!IsToBeRepeated(completion.res)) {
    // ECONNRESET, ETIMEDOUT and the like: nothing can be sent to this peer either.
    over_ = true;
  } else if (completion.res == -EAGAIN) {
    conversation_.OnDrained();
  }
  shared_.ring->buffers().GiveBack(completion);
  // In turn (ReceiveInTurn()), or the same connections would get the few buffers each time.
  if (completion.res == -ENOBUFS && !receiving_) shared_.awaiting_buffer.push_back(*this);
  ComeBack();
}

// No bytes: the peer sends no more. A receive that fills a small buffer marks a stream, and the armed receive, which
// goes on filling small ones, is cancelled. One that brings less ends the stream. With bundles it takes as much as a
// large buffer holds: an armed receive may use up all small buffers for one connection.
void UringConnection::TakeIn(absl::string_view bytes, size_t at_once, const std::optional<timespec>& arrival) {
  // What comes now is discarded; only the peer's end still matters.
  if (over_ || is_lingering()) {
    over_ = over_ || bytes.empty();
    return;
  }
  NoteMove();
  Counters::Add(counters_.bytes_in, static_cast<int64_t>(bytes.size()));
  is_stream_ = at_once >= (shared_.ring->options().bundles ? kReadBytes : shared_.ring->buffers().request_bytes());
  // The armed receive has to go if the session cannot take more, if its buffers are too small, or if the server stops
  // and thus reads by pieces.
  stop_receiving_ = receiving_ && (!conversation_.takes_input() || is_stream_ || shared_.stopping);
  if (bytes.empty()) {
    conversation_.OnEnd(output());
  } else {
    const bool is_full = bytes.size() == shared_.ring->buffers().request_bytes() || bytes.size() == kReadBytes;
    const TimedWait* const timed = shared_.turn.timed();
    const bool starts = timed != nullptr && TimeReceived(*timed, arrival, conversation_);
    conversation_.OnBytes(bytes, output(), is_full);
    if (starts) conversation_.Leave(RequestPart::kQueue);  // Until Proceed().
  }
}

// A send may take a part of what it was offered; the next step sends the rest. The step is decided here, and not only
// in Proceed(): on a fast network the next request is in the same batch as the completion of the reply before. If it
// were held up, the armed receive would be cancelled for it, and armed anew, at each request.
void UringConnection::OnSent(int result) {
  Trace::Mark(Traced::kComplete, fd_.get(), result);
  sending_ = false;
  if (result >= 0 && !over_) {
    NoteMove();
    Counters::Add(counters_.bytes_out, result);
    unsent_->output.Sent(result);
    conversation_.Next(unsent_->output);
    conversation_.Leave(RequestPart::kQueue);
  }
  // EINTR and EAGAIN have sent nothing, and the step is repeated. Any other error: the connection is lost.
  over_ = over_ || (result < 0 && result != -EINTR && result != -EAGAIN);
  ComeBack();
}

// The result comes first, and says whether the other completion follows. The output stays as it is until then. The
// owner of one that has ended was gone by then, so what comes for that is the last.
void UringConnection::OnSentLent(UringUnsent& unsent, const io_uring_cqe& completion, UringShared& shared) {
  if ((completion.flags & IORING_CQE_F_NOTIF) == 0) unsent.result = completion.res;
  unsent.is_lent = (completion.flags & IORING_CQE_F_MORE) != 0;
  UringConnection* const owner = unsent.owner;
  if (owner == nullptr) {
    --shared.lent;
    delete &unsent;
  } else if (unsent.is_lent) {
    if (owner->over_) owner->ComeBack();  // It waits for the result alone; see End().
  } else {
    owner->copies_ = owner->copies_ || NeedsCopy(unsent.result);
    owner->OnSent(NeedsCopy(unsent.result) ? -EAGAIN : unsent.result);
  }
}

// A failed poll needs no case of its own: the sendfile(2) that follows fails as well, and says why.
void UringConnection::OnWritable() {
  sending_ = false;
  ComeBack();
}

// The time that is left to it: cancelled once it is over, see Proceed().
bool UringConnection::Ask() {
  Upstream& upstream = Upstream::Of(unsent_->output, Upstream::Socket::kBlocking);
  if (upstream.is_over()) {
    shared_.timers.Set(timers().pause, absl::InfiniteDuration());
    Upstream::Answer(unsent_->output);
    NoteMove();  // The peer has waited for us.
    return true;
  }
  sending_ = is_asking_ = true;
  io_uring_sqe* step = shared_.ring->Prepare(Tag(Operation::kUpstream, this));
  if (upstream.phase() == Upstream::Phase::kConnect) {
    io_uring_prep_connect(step, upstream.fd(), upstream.to().address(), upstream.to().size());
  } else if (upstream.phase() == Upstream::Phase::kSend) {
    io_uring_prep_send(step, upstream.fd(), upstream.unsent().data(), upstream.unsent().size(), MSG_NOSIGNAL);
  } else {
    io_uring_prep_recv(step, upstream.fd(), upstream.room(), upstream.room_bytes(), 0);
  }
  shared_.timers.Set(timers().pause, upstream.Left());
  return false;
}

void UringConnection::OnUpstream(int result) {
  sending_ = is_asking_ = false;
  Upstream::Of(unsent_->output).OnResult(result);
  ComeBack();
}

void UringConnection::OnTimer() {
  conversation_.OnTimer();
  ComeBack();
}

void UringConnection::ComeBack() {
  // Once in an iteration, however many completions the batch has for it.
  if (!is_due_) shared_.due.push_back(this);
  is_due_ = true;
}

// While a send is under way the output must not change, so no step is taken until it has completed. The receive is
// cancelled behind the steps: if these end the conversation, End() cancels everything at once.
void UringConnection::Proceed() {
  is_due_ = false;
  over_ = over_ || conversation_.is_cut_off();
  if (is_asking_ && Upstream::Of(unsent_->output).Left() == absl::ZeroDuration()) {
    shared_.ring->Cancel(Tag(Operation::kUpstream, this));
  }
  if (!over_ && !sending_ && !TakeSteps()) over_ = true;
  if (over_) return End();
  if (stop_receiving_) shared_.ring->Cancel(Tag(Operation::kReceive, this));
  stop_receiving_ = false;
}

// Takes steps until the next one has to wait for a completion, or for the next turn. False: the connection is over.
// Each way out leaves an operation, a timer, a helper or a place on shared.due that leads back here.
bool UringConnection::TakeSteps() {
  if (task_.is_under_way() && !TakeResult()) return true;
  for (FairShare share;;) {
    const Step step = conversation_.Next(unsent_ == nullptr ? shared_.no_output : unsent_->output);
    if (!share.Allows(step)) return conversation_.Leave(RequestPart::kQueue), ComeBack(), true;
    switch (step) {
      case Step::kRead:
      case Step::kReadLast:
        if (unsent_ != nullptr) LetGoOfOutput();
        shared_.wakes->Watch(conversation_.mailbox(), *this, mail_);
        // The session takes nothing: an armed receive would bring more, which would be held up.
        if (!conversation_.takes_input()) return stop_receiving_ = receiving_, true;
        return Receive(), true;
      case Step::kSend:
        if (task_.ReadAhead(shared_.offload, unsent_->output, *this)) {
          return conversation_.Leave(RequestPart::kQueue), true;
        }
        if (const Flushed sent = Send(); sent != Flushed::kAll) return sent != Flushed::kBroken;
        break;
      case Step::kAwaitAck:
        if (const absl::Duration left = AckWaitLeft(fd_.get(), unsent_->output); left > absl::ZeroDuration()) {
          conversation_.Leave(RequestPart::kWait);
          return shared_.timers.Set(timers().pause, left), true;
        }
        break;
      case Step::kAsk:
        if (!Ask()) return conversation_.Leave(RequestPart::kWait), true;
        break;
      case Step::kRunTask:
        if (shared_.offload != nullptr) {
          return task_.Run(*shared_.offload, conversation_.TakeTask(unsent_->output), *this), true;
        }
        if (std::exchange(shared_.ran_task, true)) {  // One task a turn, for all connections.
          return conversation_.Leave(RequestPart::kQueue), ComeBack(), true;
        }
        unsent_->output.TakeWork()(unsent_->output);
        break;
      case Step::kResume:
        conversation_.Resume(output());
        // Mail is a sign of life, as in EventConnection::TakeSteps().
        if (!unsent_->output.empty()) NoteMove();
        break;
      case Step::kSetTimer:
        shared_.timers.Set(timers().wake, conversation_.TakeTimer(unsent_->output));
        break;
      case Step::kLinger:
        // From the second time on: TakeIn() has discarded what a receive brought, and the next receive begins.
        return linger_end_.has_value() ? (Receive(), true) : Linger();
      case Step::kEnd:
        return false;
    }
  }
}

// While a task is under way, other completions change nothing: the session gets no call before the result is there.
bool UringConnection::TakeResult() {
  if (!task_.TakeResult(unsent_->output)) return false;
  NoteMove();
  return true;
}

// Sends what is at the front, or begins to; in the latter case, the connection comes back by itself.
Flushed UringConnection::Send() {
  Output& output = unsent_->output;
  // Flush() does it by itself, but memory is sent by the ring.
  CountRequests(output, counters_, conversation_.entry());
  if (output.empty()) return HalfClose(fd_.get(), output), Flushed::kAll;
  if (output.file_ranges() == 0) {
    SendMemory();
    return Flushed::kBlocked;
  }
  // The ring has no operation for sendfile(), only splice() through a pipe, which its threads carry out: for 1 GiB over
  // loopback that took a third longer, and twice the processor time.
  NoteMove();
  const Flushed sent = Flush(fd_.get(), output, kBytesPerTurn, counters_, conversation_.entry());
  if (sent == Flushed::kBlocked) AwaitWritable();
  if (sent == Flushed::kBudget) conversation_.Leave(RequestPart::kQueue), ComeBack();
  return sent;
}

// The message header and its pieces live in unsent_, and the bytes in its output: the kernel may read both until the
// completion. No MSG_MORE is needed, since a file behind the memory would have taken the way of Flush().
void UringConnection::SendMemory() {
  Trace::Mark(Traced::kSubmit, fd_.get(), 0);
  conversation_.Leave(RequestPart::kSend);
  sending_ = true;
  iovec* pieces = unsent_->pieces;
  const int count = unsent_->output.FrontMemory(pieces, UringUnsent::kMaxPieces);
  const bool lent = lends(count);
  unsent_->owner = this;
  io_uring_sqe* send =
      shared_.ring->Prepare(lent ? Tag(Operation::kSendLent, unsent_.get()) : Tag(Operation::kSend, this));
  if (count == 1) {
    const iovec& all = pieces[0];
    lent ? io_uring_prep_send_zc(send, fd_.get(), all.iov_base, all.iov_len, MSG_NOSIGNAL, 0)
         : io_uring_prep_send(send, fd_.get(), all.iov_base, all.iov_len, MSG_NOSIGNAL);
  } else {
    unsent_->message = {};
    unsent_->message.msg_iov = pieces;
    unsent_->message.msg_iovlen = static_cast<size_t>(count);
    lent ? io_uring_prep_sendmsg_zc(send, fd_.get(), &unsent_->message, MSG_NOSIGNAL)
         : io_uring_prep_sendmsg(send, fd_.get(), &unsent_->message, MSG_NOSIGNAL);
  }
  UringRing::Name(*send, place_);
}

bool UringConnection::lends(int pieces) const {
  if (!shared_.ring->options().zerocopy || copies_) return false;
  size_t bytes = 0;
  for (int i = 0; i < pieces; ++i) bytes += unsent_->pieces[i].iov_len;
  return bytes >= kLeastLent;
}

// Counts as a send under way, so that no step is taken, and the object lives, until the socket has room.
void UringConnection::AwaitWritable() {
  conversation_.Leave(RequestPart::kPeer);
  sending_ = true;
  io_uring_sqe* poll = shared_.ring->Prepare(Tag(Operation::kWritable, this));
  io_uring_prep_poll_add(poll, fd_.get(), POLLOUT);
  UringRing::Name(*poll, place_);
}

// Asks for a receive, unless there is one. For requests it stays armed: one operation for the whole conversation. A
// stream is read piece by piece, and so is everything while the server stops: when the grace is over, a peer that is
// between two requests is read until nothing is left, and then closed.
void UringConnection::Receive() {
  if (receiving_ || buffer_queue_.is_linked()) return;
  if (reads_by_pieces() && !shared_.awaiting_buffer.empty()) return shared_.awaiting_buffer.push_back(*this);
  AskForBytes();
}

// Bounded by the large buffers: if all these sockets have bytes, a receive beyond that comes back with ENOBUFS. One for
// requests takes from the other group, and is not counted.
void UringConnection::ReceiveInTurn(UringShared& shared) {
  for (size_t pieces = 0; !shared.awaiting_buffer.empty() && pieces < UringBuffers::kStreamBuffers;) {
    UringConnection& first = shared.awaiting_buffer.front();
    shared.awaiting_buffer.pop_front();
    if (first.over_ || first.receiving_) continue;
    if (first.reads_by_pieces()) ++pieces;
    first.AskForBytes();
  }
}

// Neither a buffer nor a length: the kernel picks a buffer of the group when bytes are there (IOSQE_BUFFER_SELECT).
// MSG_DONTWAIT at kReadLast: if nothing is there, the receive completes at once with EAGAIN instead of waiting.
void UringConnection::AskForBytes() {
  Trace::Mark(Traced::kSubmit, fd_.get(), 0);
  receiving_ = true;
  io_uring_sqe* receive = shared_.ring->Prepare(Tag(Operation::kReceive, this));
  if (reads_by_pieces()) {
    io_uring_prep_recv(receive, fd_.get(), nullptr, 0, conversation_.is_leaving() ? MSG_DONTWAIT : 0);
    receive->buf_group = UringBuffers::kStreams;
  } else {
    if (shared_.ring->options().stamps_arrivals) {
      io_uring_prep_recvmsg_multishot(receive, fd_.get(), shared_.ring->buffers().stamped_receive(), 0);
    } else {
      io_uring_prep_recv_multishot(receive, fd_.get(), nullptr, 0, 0);
    }
    receive->buf_group = UringBuffers::kRequests;
    if (shared_.ring->options().bundles) receive->ioprio |= kReceiveBundle;
  }
  receive->flags |= IOSQE_BUFFER_SELECT;
  UringRing::Name(*receive, place_);
}

bool UringConnection::reads_by_pieces() const { return is_stream_ || shared_.stopping; }

void UringConnection::NoteMove() { watch_.NoteMove(shared_.ticks); }

// Stops sending, and waits a moment for the peer to close its side; see backends/connection/lingering_close.h.
bool UringConnection::Linger() {
  ::shutdown(fd_.get(), SHUT_WR);
  if (shared_.grace_over) return DiscardUnread(fd_.get()), false;
  LetGoOfOutput();
  linger_end_.emplace(kLingeringCloseTimeout);
  // Into the list of those that linger, in the order in which they began: one timer, for the first, serves all.
  unlink();
  shared_.lingering.push_back(*this);
  Receive();
  return true;
}

// The kernel may still use what the operations under way point to, so they are cancelled, once, and each completion
// calls this again by Proceed(). The last one deletes the connection.
void UringConnection::End() {
  if (sending_ && unsent_ != nullptr && unsent_->is_lent) LeaveOutput();
  if (!receiving_ && !sending_) {
    delete this;
  } else if (!cancelled_) {
    cancelled_ = true;
    shared_.ring->CancelAll(fd_.get());
    if (is_asking_) shared_.ring->Cancel(Tag(Operation::kUpstream, this));
  }
}

// What the peer has not acknowledged by now it may never acknowledge. With the reset the kernel drops it, and so needs
// the memory no longer (OnSentLent()).
void UringConnection::LeaveOutput() {
  ResetOnClose(fd_.get());
  unsent_->owner = nullptr;
  static_cast<void>(unsent_.release());
  ++shared_.lent;
  sending_ = false;
}

// As EventClient::OnTick(), but the connection ends in Proceed(): an operation may be under way.
void UringConnection::OnTick() {
  if (task_.is_under_way()) return watch_.Rest(shared_.ticks);
  const Debt owed = conversation_.debt();
  if (over_ || JudgeProgress(fd_.get(), shared_.limits, owed, shared_.ticks, watch_) == Progress::kAlive) return;
  if (owed == Debt::kAcknowledgement) ResetOnClose(fd_.get());
  over_ = true;
  ComeBack();
}

// Back among the connections: the loop takes the front of shared.lingering for one whose time is still to come.
void UringConnection::OnLingerEnd() {
  unlink();
  shared_.connections.push_back(*this);
  over_ = true;
  ComeBack();
}

// The receive under way is the wrong one from now on, whichever it is: a stop reads piece by piece, and when the grace
// is over it does not wait.
void UringConnection::OnStop() {
  conversation_.OnStop(shared_.grace_over);
  over_ = over_ || (is_lingering() && shared_.grace_over);
  stop_receiving_ = receiving_;
  ComeBack();
}

ConnectionTimers& UringConnection::timers() {
  if (timers_ == nullptr) {
    // NOLINTNEXTLINE(modernize-make-unique): a Timer cannot be moved, and so its pair is made in place.
    timers_.reset(new ConnectionTimers{.wake = Timer([this] { OnTimer(); }), .pause = Timer([this] { ComeBack(); })});
  }
  return *timers_;
}

Output& UringConnection::output() {
  if (unsent_ != nullptr) return unsent_->output;
  // Spares go from connection to connection, so that a request as a rule allocates nothing.
  if (shared_.spares.empty()) {
    unsent_ = std::make_unique<UringUnsent>();
  } else {
    unsent_ = std::move(shared_.spares.back());
    shared_.spares.pop_back();
  }
  return unsent_->output;
}

// A long reply's buffer is freed and not kept: 512 of them could be 32 MiB and more.
void UringConnection::LetGoOfOutput() {
  unsent_->output.Clear();
  if (unsent_->output.copied_bytes_held() <= kMaxSpareBytes && shared_.spares.size() < kMaxSpares) {
    shared_.spares.push_back(std::move(unsent_));
  }
  unsent_ = nullptr;
}

}  // namespace polyserve
