// Upstream: the exchange with another server that a session asks for (Output::Ask()): connect, send a line, receive a
// line. It waits for nothing itself: a driver waits for one more descriptor, in its own way, and goes on.
//
//   kConnect ──▶ kSend ──▶ kReceive ──▶ kOver: the reply, or an error
//       └───────────┴──────────┴─ an error, Fail(), or the time is over ──▶ kOver
//
// A question that makes its connection itself (Question::connect) begins at kSend.
//
//   case Step::kAsk:                              a driver whose sockets say when they are ready
//     Upstream& upstream = Upstream::Of(output);
//     if (!upstream.Step()) ... wait until fd() is writable (wants_room()), or readable, for Left() at most
//     Upstream::Answer(output);
//
// A ring has the system take the steps: it starts the operation of phase(), and calls OnResult(). Each question has a
// connection of its own, which ends with the reply: none can be half dead when the next question comes, and there is
// nothing to keep count of. One thread at a time; no call blocks. Bound: a question and a line (max_reply_bytes).
#ifndef POLYSERVE_BACKENDS_CONNECTION_UPSTREAM_H_
#define POLYSERVE_BACKENDS_CONNECTION_UPSTREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "protocol/output.h"

namespace polyserve {

class Upstream final : public Output::Exchange {
 public:
  // kBlocking: for the operations of a ring, which themselves wait in the kernel.
  enum class Socket : uint8_t { kNonBlocking, kBlocking };
  enum class Phase : uint8_t { kConnect, kSend, kReceive, kOver };

  // The exchange that the output asks for. The first call begins it: the time runs from then. It belongs to the output:
  // if that is destroyed, the connection ends. REQUIRES: output.asks().
  static Upstream& Of(Output& output, Socket socket = Socket::kNonBlocking);
  // The same if it has begun; null if not, or if nothing is asked.
  static Upstream* Find(Output& output);
  // Ends it, and has the output answered with the reply. REQUIRES: is_over().
  static void Answer(Output& output);

  Upstream(const Output::Question& question, Socket socket);
  ~Upstream() override;

  Phase phase() const { return phase_; }
  bool is_over() const { return phase_ == Phase::kOver; }

  // Goes on as far as that is possible at once; true: it is over. May be called in vain. REQUIRES: kNonBlocking.
  bool Step();
  // What to wait for before the next Step(), unless it is over: fd() is writable, or else readable; or no time is left.
  int fd() const { return fd_.get(); }
  bool wants_room() const { return phase_ != Phase::kReceive; }
  absl::Duration Left() const { return deadline_.Left(); }
  // The driver cannot wait for it, for this reason.
  void Fail(absl::Status status);

  // For operations: what they need, valid until OnResult(), which takes what they have returned: 0 or the bytes moved,
  // or a negative errno. After ECANCELED or EINTR the operation is to be started again, unless the time is over.
  const Endpoint& to() const { return to_; }
  absl::string_view unsent() const { return unsent_; }
  char* room() { return reply_.data() + received_; }
  size_t room_bytes() const { return reply_.size() - received_; }
  void OnResult(int result);

  // The reply, once it is over.
  const absl::StatusOr<std::string>& result() const { return result_; }

  // Holds what a driver has registered for fd(), and is destroyed before that is closed.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  std::unique_ptr<Watch> watch;

 private:
  int Connect();
  int Move();
  void OnConnected();
  void Begin(Socket socket);
  void Adopt(absl::StatusOr<UniqueFd> connection, Socket socket);
  void OnReceived(size_t count);
  void OnError(int error);

  const std::string name_;  // For the texts.
  const Deadline deadline_;
  const absl::Duration patience_;
  const Endpoint to_;
  const std::string request_;
  absl::string_view unsent_;  // Of request_.
  std::string reply_;         // Room for the longest one; received_ bytes of it have come.
  size_t received_ = 0;
  Phase phase_ = Phase::kConnect;
  absl::StatusOr<std::string> result_ = absl::UnknownError("not over");
  UniqueFd fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_UPSTREAM_H_
