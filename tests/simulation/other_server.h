// OtherServer: the server that the one under test asks for one of its clients (Output::Ask()), from both ends: its
// script, and what the session is told in the end.
//
//   connect(2) ──▶ the outcome, at once or later ──▶ the question ──▶ the answer, in pieces, or something else
//
// Checked: it is asked the line, once, and nothing else; the session is told what has really happened; it is told in
// time, and of the end of its patience neither early nor late. A fault ends the process (Kernel::Fail()).
#ifndef POLYSERVE_TESTS_SIMULATION_OTHER_SERVER_H_
#define POLYSERVE_TESTS_SIMULATION_OTHER_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/output.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/stream.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

class OtherServer final : public DialedPeer {
 public:
  // `number`: of the client, for the trace. `on_dialed` is called once, as the server under test begins to connect. The
  // kernel outlives it.
  OtherServer(Kernel& kernel, int number, std::function<void()> on_dialed);
  ~OtherServer() override = default;

  // What the session is to ask.
  Output::Question question() const;
  // The session is told this. It must be right, and come at the right time.
  void CheckReply(const absl::StatusOr<std::string>& reply) const;

  int OnConnect(std::shared_ptr<Stream> stream) override;
  void OnOutput() override;
  void OnReset() override {}
  void OnClose() override {}

 private:
  enum class Manner {
    kAnswers,
    kAnswersTooMuch,  // A line that is too long.
    kIsSilent,        // Once it is connected.
    kEnds,            // Within its answer.
    kResets,          // The same.
    kRefuses,         // connect(2) fails,
    kHasNoPort,       // by a fault of our own,
    kIsAway,          // or never ends.
  };

  void FinishConnecting(int error);
  void SendLater();
  void SendSome();
  void EndSending();
  void NoteOutcome();
  bool IsRight(const absl::StatusOr<std::string>& reply) const;
  [[noreturn]] void Fail(const std::string& what) const;

  Kernel& kernel_;
  const int number_;
  const std::function<void()> on_dialed_;
  const int port_;
  const int refused_before_;  // Kernel::refused_sockets().
  Manner manner_;
  Time patience_;
  Time connect_time_;   // 0: at once.
  Time pause_;          // The longest before each piece of the answer.
  std::string answer_;  // All that it sends.

  std::shared_ptr<Stream> stream_;
  std::string asked_;
  size_t sent_ = 0;
  Time dialed_ = kNever;
  Time dialed_delayed_ = 0;  // Kernel::delayed() by then.
  Time outcome_ = kNever;    // What decides the reply has come to the server's socket.
  Time outcome_delayed_ = 0;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_OTHER_SERVER_H_
