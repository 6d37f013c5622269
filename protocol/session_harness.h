// SessionHarness: plays a peer to a session, for tests. It performs the output in memory: files are read, work is run
// at once.
#ifndef POLYSERVE_PROTOCOL_SESSION_HARNESS_H_
#define POLYSERVE_PROTOCOL_SESSION_HARNESS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

struct Transcript {
  std::string replies;         // All that the session sent.
  std::vector<size_t> pauses;  // Behind how many bytes of them it paused (Output::Pause()).
  bool closed = false;         // It closed the connection before the peer ended its input.
  size_t max_unconsumed = 0;   // The most that it left unconsumed, in bytes.

  friend bool operator==(const Transcript& a, const Transcript& b) {
    return a.replies == b.replies && a.pauses == b.pauses && a.closed == b.closed;
  }
};

// As a piece: so much time passes that the session is woken, if it has asked for that (Output::SetTimer()).
extern const absl::string_view kTimePasses;
// As a piece: the server stops, so that the session is told (Session::OnStop()).
extern const absl::string_view kServerStops;

// Shows the pieces one after the other, then the end of the input.
Transcript TalkInPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& pieces);

// Holds the property that any split of the input gives the same output: shows it whole, byte by byte, cut in two at
// every place (up to byte 200), and cut at random (the seed is fixed). Returns the transcript of the whole; fails the
// test if another one differs. The factory is called for each try; it should start from the same state.
// `normalize`, where given, takes out of the replies what has to differ between tries.
Transcript TalkInAnyPieces(const SessionFactory& make_session, absl::string_view input,
                           const std::function<std::string(std::string)>& normalize = nullptr);

// The same for several bursts of input, each of which is cut in every way. Time passes behind each of them.
Transcript TalkInAnyPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& bursts,
                           const std::function<std::string(std::string)>& normalize = nullptr);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_SESSION_HARNESS_H_
