// TlsWriter: encrypts what the inner session of a TlsSession has to say. It takes the inner Output as a driver would,
// and appends records to the outer one, piece by piece: the outer output never holds more than one piece beyond the
// mark at which sessions stop (Output::kHighWaterBytes), however long the reply is.
//
//   inner output                         outer output
//   Write, WriteShared ── records ──────▶ Write          at once, as long as there is room; the rest as a task
//   WriteFile ── pread(2), records ─────▶ Work           always a task: reading may wait for the disk
//   Work, Pause ────────────────────────▶ Work, Pause    the same task, and what it says encrypted behind it
//   Ask ────────────────────────────────▶ Ask            the same question, and what follows the reply encrypted
//   SetTimer, counts ───────────────────▶ the same
//   Close ── close_notify ──────────────▶ Close
//
// A task runs when everything before it is sent, and may run on a helper thread (--offload): so the encryption of files
// follows the pace of the peer, and leaves the loop's thread.
#ifndef POLYSERVE_PROTOCOL_TLS_WRITER_H_
#define POLYSERVE_PROTOCOL_TLS_WRITER_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/tls/channel.h"
#include "protocol/tls/context.h"

namespace polyserve {

// Shared with the tasks that it appends, which may outlive the session. While one of them waits or runs, the session
// gets no calls, so only has_task() may be asked then, from any thread.
class TlsWriter : public std::enable_shared_from_this<TlsWriter> {
 public:
  TlsWriter(std::shared_ptr<const TlsContext> context, absl::string_view alpn) : channel_(std::move(context), alpn) {}

  TlsChannel& channel() { return channel_; }
  // For the inner session's calls; Deliver() has to follow each of them. Empty in between.
  Output& inner() { return inner_; }

  // Appends the inner output to this one, as far as there is room, and a task for the rest. REQUIRES: no task is in
  // `output`, and it is not closing.
  void Deliver(Output& output);

  // Has the output closed behind all that the inner session has to say, whether it closes its own or not.
  void CloseAtEnd() { closes_at_end_ = true; }

  bool has_task() const { return has_task_.load(std::memory_order_acquire); }
  // The output was closed: nothing more can be said.
  bool is_closed() const { return is_closed_; }

 private:
  void Seal(Output& output);
  bool SealMemory(Output& output);
  bool SealFile(Output& output);
  void SealByTask(Output& output);
  void PassOnTask(Output& output);
  void PassOnQuestion(Output& output);
  void Finish(Output& output);
  void BreakOff(Output& output);

  TlsChannel channel_;
  Output inner_;
  std::atomic<bool> has_task_{false};
  bool closes_at_end_ = false;
  bool is_closed_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_WRITER_H_
