// The session harness: functions that play a peer to a session, for tests. The output is performed in memory: file
// ranges are read, tasks run at once, pauses take no time. No socket and no driver takes part.
//
//   EXPECT_EQ(TalkInAnyPieces(make_session, "S a\nQ\n").replies, "OK 5 784111777\n");
//
// Another server that is asked (Output::Ask()) answers at once: with its own address, a blank, and the line.
//
// Streams only. Mailboxes (Session::mailbox()) and OnResume() are not served; the tests of chat play those themselves.
#ifndef POLYSERVE_PROTOCOL_SESSION_HARNESS_H_
#define POLYSERVE_PROTOCOL_SESSION_HARNESS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

// What a session did.
struct Transcript {
  std::string replies;         // Everything that the session sent.
  std::vector<size_t> pauses;  // For each Output::Pause(), the number of bytes of `replies` before it.
  bool closed = false;         // The session closed the connection before the peer ended its input.
  size_t max_unconsumed = 0;   // The most input that it left unconsumed, in bytes: the bound that it documents.

  // Compares the behaviour that a peer sees; max_unconsumed depends on how the input is cut.
  friend bool operator==(const Transcript& a, const Transcript& b) {
    return a.replies == b.replies && a.pauses == b.pauses && a.closed == b.closed;
  }
};

// Performs all that the output holds, up to a question for another server, which is the caller's to answer. Returns
// what was sent. For tests that play a peer themselves.
std::string SendAll(Output& output);

// As a piece: the session's timer (Output::SetTimer()) expires, if it has one. Recognised by its address, not its text.
extern const absl::string_view kTimePasses;
// As a piece: the server stops (Session::OnStop()).
extern const absl::string_view kServerStops;
// As the last piece: the server refuses what comes next (Session::OnOverload()).
extern const absl::string_view kServerIsOverloaded;

// Passes the pieces one after the other, then the end of the input. The cut is exactly the one given.
Transcript TalkInPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& pieces);

// Checks that any split of the input gives the same output: passes it whole, byte by byte, cut in two at every position
// (up to byte 200), and cut at random 50 times (the seed is fixed). Returns the transcript of the whole; fails the test
// if another one differs. The factory is called for each try, and must start from the same state each time.
// `normalize`, if given, removes from the replies what has to differ between tries, such as dates.
Transcript TalkInAnyPieces(const SessionFactory& make_session, absl::string_view input,
                           const std::function<std::string(std::string)>& normalize = nullptr);

// The same for several bursts of input, each of which is cut in every way. Time passes (kTimePasses) after each burst
// if there are several: for protocols that separate messages by silence.
Transcript TalkInAnyPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& bursts,
                           const std::function<std::string(std::string)>& normalize = nullptr);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_SESSION_HARNESS_H_
