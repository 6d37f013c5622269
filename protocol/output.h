// Output: what a session wants done, in order; free of I/O. Sessions append to it, drivers perform it.
//
//   output.Write("OK 5\n");              copy these bytes
//   output.WriteFile(file, 0, 5);        then this range of a file (the driver uses sendfile)
//   output.Close();                      then close, once all of that is with the peer
//   output.SetTimer(absl::Seconds(20));    and call the session in 20 seconds
//
// Where the peer is reached by datagrams, each Write() and each WriteShared() is one datagram, an empty one too, so
// that a session that writes its reply with one call need not know what it is on. There are no files in datagrams.
#ifndef POLYSERVE_PROTOCOL_OUTPUT_H_
#define POLYSERVE_PROTOCOL_OUTPUT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

struct iovec;

namespace polyserve {

class Output {
 public:
  // Something to compute that may take long. It appends its result to the Output it is given. It may run on another
  // thread, so it must not touch the session; the session is shown nothing until it has ended.
  using Task = absl::AnyInvocable<void(Output&)>;

  // Above so much unsent a session is shown no more input, and so many ranges hold so many descriptors.
  static constexpr size_t kHighWaterBytes = 64 * 1024;
  static constexpr size_t kMaxFileRanges = 4;
  // After so many writes it is time to send, and for others to have their turn: a request may be a few bytes only.
  static constexpr int kMaxWrites = 256;

  enum class Kind { kStream, kDatagrams };

  Output() = default;
  explicit Output(Kind kind) : kind_(kind) {}
  Output(Output&&) = default;
  Output& operator=(Output&&) = default;

  // --- The session's side. ---

  // False once the session has to stop consuming and return: enough was written, or Work() or Close() was called.
  // The driver shows it the rest of the input later. Check it before each further request.
  bool wants_more() const;

  // Appends a copy of the bytes.
  void Write(absl::string_view bytes);

  // Appends bytes that several outputs share; nothing is copied.
  void WriteShared(std::shared_ptr<const std::string> bytes);

  // Appends `length` bytes of a file from `offset` on. Should the file turn out shorter, the driver breaks the
  // connection off, since what was announced cannot be delivered. Not in datagrams.
  void WriteFile(std::shared_ptr<const UniqueFd> file, int64_t offset, int64_t length);

  // Has the task run when all before it is sent. Nothing else may be appended by the session after it.
  void Work(Task task);

  // The same, but the task runs only when the peer's system has acknowledged all before it, and so long after that:
  // for protocols whose borders are silences. A pause within a task's output follows what the task has written.
  void Pause(absl::Duration pause, Task then);

  // Ends the conversation when all before it is sent. Nothing may be appended after it.
  void Close();

  // For the server's statistics: a request is answered, or refused (both are to be called then). What a request is, the
  // service says.
  void CountRequest() { ++counts_.requests; }
  void CountError() { ++counts_.errors; }

  // Asks for one call of Session::OnTime(), so long after all before it is sent; up to some milliseconds late, never
  // early. A later SetTimer() replaces this one, and an infinite one cancels it. Sessions that never ask pay nothing.
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
  bool awaits_ack() const { return pause_.length != absl::ZeroDuration(); }  // Before that task; see pause().
  bool closing() const { return closing_; }
  size_t file_ranges() const { return file_ranges_; }
  size_t copied_bytes_held() const { return copies_.capacity(); }  // Memory, sent bytes included.

  // The run of memory at the front, as at most `max` pieces; 0 where nothing or a file range is at the front.
  // Valid until the next call that is not const.
  int FrontMemory(iovec* pieces, int max) const;
  // The file range at the front; null where there is none.
  const FileRange* FrontFile() const;
  // The one that comes first, wherever it is; null where there is none.
  const FileRange* FirstFile() const;
  // Removes so many bytes that were sent from the front.
  void Sent(int64_t bytes);
  // Of datagrams, instead of these: the one at the front, unless empty(); and its removal, sent or not.
  absl::string_view FrontDatagram() const;
  void DropDatagram();
  // Hands over the task; has_work() is false afterwards, and the task's output may be appended.
  Task TakeWork();
  // What is to be waited for before the task; see backends/connection/ack_wait.h. Its length is zero where there is no
  // pause.
  struct PauseBeforeWork {
    absl::Duration length;
    std::optional<std::chrono::steady_clock::time_point> end;  // Set once all was acknowledged.
  };
  PauseBeforeWork& pause() { return pause_; }
  struct Counts {
    int requests = 0;
    int errors = 0;
  };
  bool has_counts() const { return (counts_.requests | counts_.errors) != 0; }
  // What was counted since this was called.
  Counts TakeCounts() { return std::exchange(counts_, Counts()); }
  // The time of SetTimer(), where it was called since this was: to be asked when all is sent.
  bool asks_for_wake() const { return wake_in_.has_value(); }
  absl::Duration TakeWakeIn() { return *std::exchange(wake_in_, std::nullopt); }
  // Forgets everything, but keeps small buffers for the next use.
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
  std::optional<absl::Duration> wake_in_;
  Counts counts_;
  bool closing_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_OUTPUT_H_
