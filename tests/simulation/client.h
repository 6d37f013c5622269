// Client: one client of the simulated server, from both ends: the peer, which follows a script of its own, and what the
// session at the server has seen and said. It knows both, so it finds the faults in between:
//
//   peer sends ──▶ Stream ──▶ driver ──▶ session: OnShown()     the same bytes, in order, and all before the end
//   peer: Read() ◀── Stream ◀── driver ◀── session: Write()     the same bytes, in order, and all unless it is reset
//   driver closes: OnClose()                                    not early, not late, nothing cut off
//
// A fault ends the process, with the trace (Kernel::Fail()).
#ifndef POLYSERVE_TESTS_SIMULATION_CLIENT_H_
#define POLYSERVE_TESTS_SIMULATION_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "protocol/output.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/other_server.h"
#include "tests/simulation/stream.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

// What a session sends by Session::closing_message().
constexpr char kClosingMessage[] = "closing\n";

// How a peer behaves.
struct Manner {
  enum class End {
    kHalfClose,  // Sends no more, and reads on until the server ends.
    kStay,       // Is silent, as if it were gone.
    kLeave,      // Closes its socket, whatever is unread.
    kReset,      // Breaks off.
  };
  std::string script;  // All that it sends.
  Time connects_after = 0;
  size_t send_most = 1;  // Bytes at a time.
  Time send_pause = 0;   // The longest between two of those.
  size_t read_most = 1;
  Time read_pause = 0;
  // It does nothing in that direction for a while once this many bytes have moved; -1: it never stops.
  int64_t send_stall_at = -1;
  Time send_stall = kNever;  // kNever: it stops for good.
  int64_t read_stall_at = -1;
  Time read_stall = kNever;
  End end = End::kHalfClose;
  Time ends_after = 0;       // The script's end.
  bool answers_end = true;   // Closes its socket once the server has ended.
  bool talks_on = false;     // Sends on, although the server has ended.
  bool keeps_rules = false;  // So that it has a right to all of its answers, and to an orderly end.
};

class Client final : public StreamPeer {
 public:
  // `on_done` is called once, as is_done() becomes true. The kernel outlives it.
  Client(Kernel& kernel, int number, const Manner& manner, std::function<void()> on_done);
  ~Client() override = default;

  // Connects when it is time.
  void Start();
  const std::shared_ptr<Stream>& stream() const { return stream_; }
  // Nothing will happen to it any more, unless the server does something.
  bool is_done() const { return is_done_; }
  bool was_accepted() const { return has_session_; }
  // The server has ended. Checks what can only be known then.
  void CheckEnd() const;

  // --- The session's side. ---

  Kernel& kernel() { return kernel_; }
  void OnSession();
  void OnSessionEnd() { has_session_now_ = false; }
  // The session is shown this, of which it has consumed nothing yet.
  void OnShown(absl::string_view bytes);
  void OnConsumed(size_t count) { consumed_ += count; }
  // A line has begun and has not come to its end, and the peer is to send it.
  void SetRestOfLine(bool is_owed);
  void OnShownEnd();
  // Appends to the output, and remembers it.
  void Write(Output& output, absl::string_view bytes);
  void NoteWritten(absl::string_view bytes);
  void NoteClosed() { is_closed_by_session_ = true; }
  bool is_closed_by_session() const { return is_closed_by_session_; }
  // Has the session ask another server, whose reply it then hears of. A line follows.
  void Ask(Output& output);
  // The session's timer, which Output::SetTimer() sets, rings.
  void SetTimer(Output& output, Time after);
  void OnTimer();

  // --- The server's side of the stream. ---

  void OnOutput() override;
  void OnReset() override;
  void OnClose() override;

 private:
  void Connect();
  void SendLater();
  void SendSome();
  bool Stalls(int64_t moved, int64_t at, Time& stall);
  void EndSending();
  void Reset();
  void ReadLater();
  void ReadSome();
  void OnServerEnd();
  void CheckBytes(absl::string_view bytes) const;
  void CheckLate() const;
  void CheckClose() const;
  void CheckLinger() const;
  // The driver has not done with what the session has written.
  bool is_answering() const {
    return static_cast<int64_t>(written_.size()) > stream_->written_total || stream_->loans > 0;
  }
  void UpdateDebts();
  void Finish();
  [[noreturn]] void Fail(absl::string_view what) const;

  Kernel& kernel_;
  const int number_;
  Manner manner_;
  const std::function<void()> on_done_;
  std::shared_ptr<Stream> stream_;
  std::vector<std::unique_ptr<OtherServer>> others_;

  // The peer.
  size_t sent_ = 0;  // Of the script.
  bool has_ended_ = false;
  bool has_left_ = false;
  bool reads_later_ = false;
  bool stops_reading_ = false;
  bool never_reads_on_ = false;
  size_t received_ = 0;
  Time send_retry_ = kMillisecond;  // While the server's buffer is full.
  bool has_seen_end_ = false;
  bool has_seen_reset_ = false;
  bool is_done_ = false;

  // The session.
  bool has_session_ = false;
  bool has_session_now_ = false;
  bool is_closed_by_session_ = false;
  bool has_shown_end_ = false;
  bool owes_rest_of_line_ = false;
  size_t consumed_ = 0;
  std::string written_;
  int64_t known_written_ = 0;  // Stream::written_total, as OnOutput() has seen it last.
  bool is_blocked_ = false;    // Not all that it has written was sent, then.
  bool was_answering_ = false;
  Time answered_at_ = 0;  // When the driver had done with what there was, last.
  Time timer_ = kNever;
  Time timer_after_ = 0;
  Time timer_delayed_ = 0;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_CLIENT_H_
