// Output: the actions that a session asks for, in order; free of I/O. Sessions append, drivers perform.
//
//   output.Write("OK 5\n");              copy these bytes
//   output.WriteFile(file, 0, 5);        then this range of a file (the driver uses sendfile)
//   output.HalfClose();                  then tell the peer that no more comes, and go on with its input
//   output.Close();                      then close, once all of that is with the peer
//   output.SetTimer(absl::Seconds(20));  and call the session's OnTime() in 20 seconds
//   output.Ask({.to = ...}, then);       send this line to another server, and call `then` with the line it answers
//
// Over UDP, each Write() and each WriteShared() is one datagram, even an empty one: a session that writes its reply
// with one call need not know which transport it is on. WriteFile() is not available over UDP.
//
// The driver performs it in this order, and starts each step when the one before it is done:
//
//   send the segments ──▶ wait for the peer's acknowledgement and the pause ──▶ run the task ──▶ no task is left:
//    ▲  (Write, WriteShared,      (only with Pause(); or for WorkAfter())      (Work, Pause)      end if closing(),
//    │   WriteFile)                                                                 │             else OnResume(), set
//    └──────────────────── what the task has appended ──────────────────────────────┘             the timer, more input
//
// With Ask() it is the other server that is waited for, and what runs then is called with the reply.
//
// Not thread-safe: one thread at a time may use an Output.
#ifndef POLYSERVE_PROTOCOL_OUTPUT_H_
#define POLYSERVE_PROTOCOL_OUTPUT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/ip_address.h"
#include "base/unique_fd.h"

struct iovec;

namespace polyserve {

class Output {
 public:
  // A long computation, which appends its result to the Output that it is passed. It may run on another thread, so it
  // must not touch the session; the session gets no calls until it has finished.
  using Task = absl::AnyInvocable<void(Output&)>;

  // What another server is asked: a line, which it answers with a line.
  struct Question {
    AddressPort to;           // Nothing looks up a name while the server runs. Ignored if there is `connect`.
    std::string line;         // Without its end.
    size_t max_reply_bytes;   // Of the line that answers, without its end.
    absl::Duration patience;  // For all of it: connecting, sending, receiving.
    std::string name = {};    // What texts call the other server; by default its address.
    // Makes the connection, a stream, if it is not one of TCP to `to`; called once, by the driver, when it begins to
    // ask. Must not wait. An error becomes the reply. Null: connect to `to`.
    std::function<absl::StatusOr<UniqueFd>()> connect = nullptr;
  };
  // Appends what the peer is to get for the other server's line, which comes without its end. As a Task, it may run on
  // another thread, and must not touch the session. Instead of a line, with a text that names the other server:
  //   DeadlineExceeded   it has taken too long
  //   ResourceExhausted  this server has no descriptor, or no memory, to ask it
  //   InvalidArgument    its line is too long
  //   others             it cannot be reached, or has ended the connection before the end of its line
  using Answered = absl::AnyInvocable<void(absl::StatusOr<std::string> reply, Output& output)>;

  // Limits above which a session gets no more input: unsent bytes, and file ranges, each of which holds a descriptor.
  // A session that heeds wants_more() exceeds them by one answer at most.
  static constexpr size_t kHighWaterBytes = 64 * 1024;
  static constexpr size_t kMaxFileRanges = 4;
  // Writes after which to send, and to let other clients have their turn: a request may be only a few bytes.
  static constexpr int kMaxWrites = 256;

  // kStream joins neighbouring writes and drops empty ones; kDatagrams keeps the borders between them.
  enum class Kind { kStream, kDatagrams };

  Output() = default;
  explicit Output(Kind kind) : kind_(kind) {}
  Output(Output&&) = default;
  Output& operator=(Output&&) = default;

  // --- The session's side. ---

  // False once the session has to stop consuming and return, because enough was written, or Work(), Pause(), Ask() or
  // Close() was called. The driver passes the rest of the input later. Check this before each further request.
  bool wants_more() const;

  // Appends a copy of the bytes. No limit but wants_more(): a session writes its reply as a whole.
  void Write(absl::string_view bytes);

  // Appends bytes shared with other outputs, without copying, such as a message to all members of a room. Not null.
  void WriteShared(std::shared_ptr<const std::string> bytes);

  // Appends `length` bytes of a file from `offset` on. If the file turns out to be shorter, the driver resets the
  // connection, since the reply cannot be completed. Not over UDP.
  void WriteFile(std::shared_ptr<const UniqueFd> file, int64_t offset, int64_t length);

  // Runs the task once everything before it is sent. The session may append nothing after it.
  void Work(Task task);

  // The same, but the task runs `pause` after the peer's system has acknowledged everything before it: for protocols
  // that separate messages by silence. A pause within a task's output follows what the task has written.
  void Pause(absl::Duration pause, Task then);

  // The same, but the task runs `wait` after this call, or once everything before it is sent if that is later: for
  // answers that take their time, and no processor.
  void WorkAfter(absl::Duration wait, Task then);

  // Asks another server, on a connection of its own, once everything before is sent, and calls `then` with the reply.
  // The session may append nothing after it. Not over UDP.
  void Ask(Question question, Answered then);

  // Lets the peer see the end of what it receives once everything before it is sent; its input goes on (half-close,
  // shutdown(2)). Nothing may be written after it. Not over UDP, and without an effect over TLS.
  void HalfClose() { half_closes_ = true; }

  // Ends the conversation once everything before it is sent. Nothing may be appended after it.
  void Close();

  // For the server's statistics: call CountRequest() for each answered request, and CountError() as well if it was
  // answered with an error. The service defines what a request is.
  void CountRequest() { ++counts_.requests; }
  void CountError() { ++counts_.errors; }

  // Requests one call of Session::OnTime(), this long after everything before it is sent: never early, up to some
  // milliseconds late. A later SetTimer() replaces the timer, an infinite one cancels it. Free for sessions without
  // one.
  void SetTimer(absl::Duration after) { wake_in_ = after; }

  // --- The driver's side. ---

  struct FileRange {
    std::shared_ptr<const UniqueFd> file;
    int64_t offset;
    int64_t length;
  };

  bool empty() const { return first_ == segments_.size(); }  // Nothing is left to send.
  int64_t unsent_bytes() const { return unsent_bytes_; }
  bool has_work() const { return task_ != nullptr; }
  bool waits_before_work() const { return pause_.length != absl::ZeroDuration(); }  // See pause().
  bool asks() const { return asked_ != nullptr; }
  bool closing() const { return closing_; }
  // HalfClose() was called since the last call. Do it when everything is sent.
  bool half_closes() const { return half_closes_; }
  bool TakeHalfClose() { return std::exchange(half_closes_, false); }
  size_t file_ranges() const { return file_ranges_; }
  size_t copied_bytes_held() const { return copies_.capacity(); }  // Memory, sent bytes included.

  // Describes the bytes in memory at the front, as at most `max` pieces, in the form of writev(2); returns 0 if the
  // output is empty or begins with a file range. Valid until the next call that is not const.
  int FrontMemory(iovec* pieces, int max) const;
  // The file range at the front; null if there is none.
  const FileRange* FrontFile() const;
  // The first file range at any position; null if there is none.
  const FileRange* FirstFile() const;
  // Removes `bytes` bytes, which were sent, from the front; they may end anywhere within a piece. REQUIRES: there are
  // that many.
  void Sent(int64_t bytes);
  // The same over UDP: the datagram at the front, if not empty(); and its removal, whether it was sent or not.
  absl::string_view FrontDatagram() const;
  void DropDatagram();
  // Takes the task out; has_work() is false afterwards, and the task's output may be appended.
  Task TakeWork();
  // What to wait for before running the task; see backends/connection/ack_wait.h. The length is zero if there is no
  // pause.
  struct PauseBeforeWork {
    absl::Duration length;
    // Set once all was acknowledged; by WorkAfter() at once.
    std::optional<std::chrono::steady_clock::time_point> end;
  };
  PauseBeforeWork& pause() { return pause_; }

  // A driver keeps here what it needs while another server is asked; see backends/connection/upstream.h.
  class Exchange {
   public:
    virtual ~Exchange() = default;
  };
  struct Asked {
    Question question;
    Answered then;
    std::unique_ptr<Exchange> exchange;  // Null until the driver begins.
  };
  // REQUIRES: asks().
  Asked& asked() { return *asked_; }
  // Appends what the session wants for this reply, in this thread. asks() is false afterwards, unless it asks again.
  void Answer(absl::StatusOr<std::string> reply);
  // Takes the question out, before anyone has begun to ask it: for a session around another one.
  Asked TakeQuestion();
  struct Counts {
    int requests = 0;
    int errors = 0;
  };
  bool has_counts() const { return (counts_.requests | counts_.errors) != 0; }
  // The counts since the last call.
  Counts TakeCounts() { return std::exchange(counts_, Counts()); }
  // The duration of the latest SetTimer() since the last call. Ask when everything is sent: the time counts from then.
  // REQUIRES for TakeWakeIn(): asks_for_wake().
  bool asks_for_wake() const { return wake_in_.has_value(); }
  absl::Duration TakeWakeIn() { return *std::exchange(wake_in_, std::nullopt); }
  // Resets to empty, but keeps small buffers for the next use.
  void Clear();

 private:
  struct Copied {  // A part of copies_.
    size_t begin;
    size_t end;
  };
  struct Shared {
    std::shared_ptr<const std::string> bytes;
    size_t begin;
  };
  using Segment = std::variant<Copied, Shared, FileRange>;

  bool is_to_be_continued() const { return task_ != nullptr || asked_ != nullptr; }
  int64_t TrimFront(int64_t bytes);  // Returns how many bytes the front segment had for it.
  void DropSentCopies();
  void StartOver();

  Kind kind_ = Kind::kStream;
  std::string copies_;
  std::vector<Segment> segments_;
  size_t first_ = 0;  // Segments before it are sent.
  int64_t unsent_bytes_ = 0;
  size_t file_ranges_ = 0;  // Not yet sent.
  int writes_ = 0;          // Since all was sent.
  Task task_;
  PauseBeforeWork pause_;
  std::unique_ptr<Asked> asked_;  // Null if no other server is to be asked: most sessions never do.
  std::optional<absl::Duration> wake_in_;
  Counts counts_;
  bool half_closes_ = false;
  bool closing_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_OUTPUT_H_
