// relay: which server is asked what, and what becomes of its answer.
#include "protocol/relay.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/ip_address.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/relay_targets.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

std::shared_ptr<const RelayTargets> TwoTargets() {
  auto targets = std::make_shared<RelayTargets>();
  targets->all = {{"localhost:7001", {*IpAddress::Parse("127.0.0.1"), 7001}},
                  {"[::1]:7002", {*IpAddress::Parse("::1"), 7002}}};
  return targets;
}

std::unique_ptr<Session> MakeRelay() { return std::make_unique<RelaySession>(TwoTargets()); }

std::string RepliesTo(absl::string_view input) { return TalkInAnyPieces(&MakeRelay, input).replies; }

// What the peer gets if this comes of the question.
std::string ReplyTo(absl::StatusOr<std::string> answer) {
  RelaySession session(TwoTargets());
  Output output;
  Input input("RELAY 1 WAIT 20\n");
  session.OnInput(input, output);
  EXPECT_TRUE(output.asks());
  output.Answer(std::move(answer));
  std::string reply(output.FrontDatagram());
  EXPECT_EQ(output.TakeCounts().errors, absl::StartsWith(reply, "ERR ") ? 1 : 0) << reply;
  return reply;
}

// The server that is asked answers with its address and the line; see session_harness.h.
TEST(RelaySessionTest, AsksTheServerOfTheNumberAndPassesItsAnswerOn) {
  const Transcript transcript = TalkInAnyPieces(&MakeRelay, "RELAY 1 WAIT 20\nRELAY 2 a b\r\nRELAY 1 c\n");
  EXPECT_EQ(transcript.replies, "127.0.0.1:7001 WAIT 20\n[::1]:7002 a b\n127.0.0.1:7001 c\n");
  EXPECT_FALSE(transcript.closed);
}

TEST(RelaySessionTest, QuestionIsBoundInSizeAndTime) {
  RelaySession session(TwoTargets());
  Output output;
  Input input("RELAY 2 WAIT 20\nRELAY 1 WAIT 20\n");
  session.OnInput(input, output);
  EXPECT_FALSE(output.wants_more());
  EXPECT_EQ(input.bytes(), "RELAY 1 WAIT 20\n") << "one question at a time";
  const Output::Question& question = output.asked().question;
  EXPECT_EQ(question.to.ToString(), "[::1]:7002");
  EXPECT_EQ(question.name, "server 2");
  EXPECT_EQ(question.line, "WAIT 20");
  EXPECT_EQ(question.max_reply_bytes, RelayTargets::kMaxLineBytes);
  EXPECT_EQ(question.patience, RelayTargets().timeout);
}

TEST(RelaySessionTest, SaysThatTheServerHasTooMuchToDo) {
  EXPECT_EQ(TalkInPieces(&MakeRelay, {kServerIsOverloaded}).replies, "ERR 503 the server has too much to do\n");
}

TEST(RelaySessionTest, ServersThatAreNotNamedAreNotAsked) {
  const std::string refusal = "ERR 404 n is from 1 to 2 here (--relay_to)\n";
  EXPECT_EQ(RepliesTo("RELAY 0 x\nRELAY 3 x\nRELAY 18446744073709551615 x\n"), absl::StrCat(refusal, refusal, refusal));
  const auto make_empty = [] { return std::make_unique<RelaySession>(std::make_shared<RelayTargets>()); };
  EXPECT_EQ(TalkInAnyPieces(make_empty, "RELAY 1 x\n").replies, "ERR 404 this server asks no other (--relay_to)\n");
}

TEST(RelaySessionTest, RefusesWhatIsNoRequestAndGoesOn) {
  const std::string refusal = "ERR 400 expected: RELAY <n> <line>\n";
  for (const char* bad : {"", "RELAY", "RELAY 1", "RELAY 1 ", "RELAY -1 x", "RELAY  x", "RELAY 1x y", "relay 1 x",
                          "RELAY 99999999999999999999 x", "RELAY 1 a\tb", "RELAY 1 a\rb"}) {
    EXPECT_EQ(RepliesTo(absl::StrCat(bad, "\nRELAY 1 x\n")), absl::StrCat(refusal, "127.0.0.1:7001 x\n")) << bad;
  }
}

TEST(RelaySessionTest, LineThatIsTooLongOrOfHttpCloses) {
  const Transcript too_long = TalkInAnyPieces(&MakeRelay, absl::StrCat("RELAY 1 ", std::string(2000, 'x'), "\n"));
  EXPECT_EQ(too_long.replies, "ERR 400 the line is too long\n");
  EXPECT_TRUE(too_long.closed);
  EXPECT_TRUE(TalkInAnyPieces(&MakeRelay, "GET / HTTP/1.1\r\nRELAY 1 x\r\n").closed);
}

TEST(RelaySessionTest, AnswerIsPassedOnAsItIsAndErrorsHaveCodes) {
  EXPECT_EQ(ReplyTo("OK 20"), "OK 20\n");
  EXPECT_EQ(ReplyTo("h\xc3\xa9llo"), "h\xc3\xa9llo\n");
  EXPECT_EQ(ReplyTo(absl::DeadlineExceededError("late")), "ERR 504 late\n");
  EXPECT_EQ(ReplyTo(absl::ResourceExhaustedError("no descriptor")), "ERR 503 no descriptor\n");
  EXPECT_EQ(ReplyTo(absl::UnavailableError("refused")), "ERR 502 refused\n");
  EXPECT_EQ(ReplyTo(absl::InvalidArgumentError("too long")), "ERR 502 too long\n");
}

// Nor may another server bring a second line into the reply, or command the client's terminal.
TEST(RelaySessionTest, AnswerThatIsNoTextIsRefused) {
  for (const std::string& nonsense :
       {std::string(), std::string("a\rb"), std::string("a\0b", 3), std::string("\x1b[2J")}) {
    EXPECT_EQ(ReplyTo(nonsense), "ERR 502 server 1 has answered with what is no line of text\n");
  }
}

}  // namespace
}  // namespace polyserve
