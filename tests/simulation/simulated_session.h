// SimulatedSession: the service of the simulated server. A line is a request, and its first letter says how it is
// answered, so that a script can ask for each action that an Output has:
//
//   eTEXT    Write(): the text, and a newline          w     Work(): a line by a task
//   bN       Write() or WriteShared(): N bytes         pN    Pause(): a line after N milliseconds of silence
//   fN       WriteFile(): N bytes                      tN    SetTimer(): a line in N milliseconds
//   a        Ask(): a line, after the other server's
//   q        a line, and Close(); so does whatever else begins a line
//
// With Limits::head_timeout it is as strict as http is about a request's head: a line that has begun has so long to
// come to its end, and then the session closes.
#ifndef POLYSERVE_TESTS_SIMULATION_SIMULATED_SESSION_H_
#define POLYSERVE_TESTS_SIMULATION_SIMULATED_SESSION_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "tests/simulation/client.h"

namespace polyserve::simulation {

// A longer line is an error.
constexpr size_t kMaxLineBytes = 1000;
// Of what bN and fN send.
constexpr int64_t kMaxReplyBytes = 5 << 18;  // More than a turn's worth (backends/connection/fairness.h).

class SimulatedSession final : public Session {
 public:
  // The client outlives it.
  explicit SimulatedSession(Client& client) : client_(client) { client.OnSession(); }
  ~SimulatedSession() override { client_.OnSessionEnd(); }

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  void OnResume(Output&) override { is_away_ = false; }
  void OnTime(Output& output) override;
  void OnClosing(Output&) override { client_.NoteClosed(); }
  bool idle() const override { return !has_part_ && !is_away_; }
  bool awaits_rest_of_request() const override { return has_part_; }
  absl::string_view closing_message() const override {
    return client_.is_closed_by_session() ? absl::string_view() : kClosingMessage;
  }

 private:
  void Obey(absl::string_view line, Output& output);
  void SendBytes(int64_t count, Output& output);
  void SendFile(int64_t count, Output& output);
  void NotePart(bool has_part, Output& output);
  void Close(absl::string_view last, Output& output);

  Client& client_;
  bool has_part_ = false;  // Of a line.
  bool is_away_ = false;   // A task is under way, or a question.
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_SIMULATED_SESSION_H_
