#include "protocol/session_harness.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// One piece at a time, so that Output::Sent() is exercised at every border.
void SendFront(Output& output, std::string& sent) {
  iovec piece;
  if (output.FrontMemory(&piece, 1) == 1) {
    sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    output.Sent(static_cast<int64_t>(piece.iov_len));
    return;
  }
  const Output::FileRange& range = *output.FrontFile();
  char buffer[4096];
  const size_t wanted = static_cast<size_t>(std::min<int64_t>(range.length, sizeof(buffer)));
  const ssize_t count = ::pread(range.file->get(), buffer, wanted, range.offset);
  // A driver would reset the connection; here it would be an endless loop.
  ASSERT_GT(count, 0) << "the session announced more than the file has";
  sent.append(buffer, static_cast<size_t>(count));
  output.Sent(count);
}

constexpr char kTime[] = "time passes";  // Its address is what counts.
constexpr char kStop[] = "the server stops";
constexpr char kOverload[] = "the server is overloaded";
// Enough for every place within a usual head or command; each cut is a whole conversation, so the tests' time grows
// with it.
constexpr size_t kMaxCutInTwo = 200;
constexpr int kRandomCuts = 50;

// A driver in miniature: what it does in which order is the contract of session.h. OnInput() sees all that is
// unconsumed, and gets it again only if the output had held it up, as with a real driver; a session that leaves a whole
// request lying without a reason is caught by that.
class SessionHarness {
 public:
  explicit SessionHarness(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  void Show(absl::string_view bytes) {
    if (transcript_.closed) return;  // A driver reads no more, either.
    rest_.append(bytes.data(), bytes.size());
    ShowRest();
  }

  // If the output of OnTime() is full, the session may have left input for later: it is shown again, as by a driver.
  // The timer is cleared before the call: each SetTimer() gives one call, in which the session may set it again.
  void LetTimePass() {
    if (transcript_.closed || !asks_for_wake_) return;
    asks_for_wake_ = false;
    Output output;
    session_->OnTime(output);
    const bool held_up = !output.wants_more();
    Perform(output);
    if (held_up) ShowRest();
  }

  void Stop() { session_->OnStop(); }

  // A driver closes the connection behind it.
  Transcript Refuse() {
    Output output;
    session_->OnOverload(output);
    Perform(output);
    return transcript_;
  }

  // The end of the input: a close that comes only now is not the decision of the session.
  Transcript End() {
    if (!transcript_.closed) {
      Output output;
      session_->OnEndOfInput(output);
      Perform(output);
      transcript_.closed = false;
    }
    return transcript_;
  }

 private:
  void ShowRest() {
    while (!rest_.empty() && !transcript_.closed) {
      Output output;
      Input input(rest_);
      session_->OnInput(input, output);
      // Asked before Perform(), which empties the output.
      const bool held_up = !output.wants_more();
      rest_.erase(0, rest_.size() - input.bytes().size());
      Perform(output);
      if (!held_up) break;
    }
    transcript_.max_unconsumed = std::max(transcript_.max_unconsumed, rest_.size());
  }

  // In the order that output.h draws: everything is sent before a task runs, and what the task appends comes next.
  void Perform(Output& output) {
    while (true) {
      // All at once: a peer that reads slowly is the business of the drivers' tests.
      while (!output.empty()) SendFront(output, transcript_.replies);
      if (output.asks()) {
        const Output::Question& question = output.asked().question;
        output.Answer(absl::StrCat(question.to.ToString(), " ", question.line));
        continue;
      }
      if (!output.has_work()) break;
      if (output.pause().length > absl::ZeroDuration()) transcript_.pauses.push_back(transcript_.replies.size());
      output.TakeWork()(output);
    }
    // How long it is does not matter: time passes only when a test says so.
    if (output.asks_for_wake()) asks_for_wake_ = output.TakeWakeIn() < absl::InfiniteDuration();
    if (output.closing()) transcript_.closed = true;
  }

  std::unique_ptr<Session> session_;
  std::string rest_;
  bool asks_for_wake_ = false;
  Transcript transcript_;
};

// Pieces of at least one byte: a driver never passes an empty read.
std::vector<absl::string_view> CutAtRandom(absl::string_view input, std::minstd_rand& random) {
  std::vector<absl::string_view> pieces;
  while (!input.empty()) {
    // Half of the pieces are small, so that the cuts fall within lines.
    const size_t most = random() % 2 == 0 ? 8 : input.size();
    const size_t size = std::min<size_t>(1 + random() % most, input.size());
    pieces.push_back(input.substr(0, size));
    input.remove_prefix(size);
  }
  return pieces;
}

using Pieces = std::vector<absl::string_view>;

// The hardest cut: it falls into every CR LF, every number and every character of several bytes.
Pieces Bytes(absl::string_view input) {
  Pieces bytes;
  for (size_t i = 0; i < input.size(); ++i) bytes.push_back(input.substr(i, 1));
  return bytes;
}

Pieces CutInTwo(absl::string_view input, size_t at) {
  // Bursts have different lengths, and all are cut at the same place.
  if (at >= input.size()) return {input};
  return {input.substr(0, at), input.substr(at)};
}

// Cuts each burst; time passes behind it, if there are several.
template <typename Cut>
Pieces CutEach(const std::vector<absl::string_view>& bursts, Cut cut) {
  if (bursts.size() == 1) return cut(bursts[0]);
  Pieces all;
  for (absl::string_view burst : bursts) {
    for (absl::string_view piece : cut(burst)) all.push_back(piece);
    all.push_back(kTimePasses);
  }
  return all;
}

}  // namespace

const absl::string_view kTimePasses(kTime);
const absl::string_view kServerStops(kStop);
const absl::string_view kServerIsOverloaded(kOverload);

// Special pieces are recognised by their address, since any text may be input.
std::string SendAll(Output& output) {
  std::string sent;
  while (true) {
    while (!output.empty()) SendFront(output, sent);
    if (!output.has_work()) return sent;
    output.TakeWork()(output);
  }
}

Transcript TalkInPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& pieces) {
  SessionHarness harness(make_session());
  for (absl::string_view piece : pieces) {
    if (piece.data() == kTimePasses.data()) {
      harness.LetTimePass();
    } else if (piece.data() == kServerStops.data()) {
      harness.Stop();
    } else if (piece.data() == kServerIsOverloaded.data()) {
      return harness.Refuse();
    } else {
      harness.Show(piece);
    }
  }
  return harness.End();
}

Transcript TalkInAnyPieces(const SessionFactory& make_session, absl::string_view input,
                           const std::function<std::string(std::string)>& normalize) {
  return TalkInAnyPieces(make_session, std::vector<absl::string_view>{input}, normalize);
}

Transcript TalkInAnyPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& bursts,
                           const std::function<std::string(std::string)>& normalize) {
  const auto talk = [&](const Pieces& pieces) {
    Transcript transcript = TalkInPieces(make_session, pieces);
    if (normalize != nullptr) transcript.replies = normalize(std::move(transcript.replies));
    return transcript;
  };
  // The transcript of the whole input is the measure; each other cut must give the same.
  const Transcript whole = talk(CutEach(bursts, [](absl::string_view burst) { return Pieces{burst}; }));
  // Not EXPECT_EQ: GoogleTest has no way to print a Transcript but as raw bytes.
  EXPECT_TRUE(talk(CutEach(bursts, &Bytes)) == whole) << "byte by byte";
  size_t longest = 0;
  for (absl::string_view burst : bursts) longest = std::max(longest, burst.size());
  for (size_t cut = 1; cut < std::min(longest, kMaxCutInTwo); ++cut) {
    const auto in_two = [cut](absl::string_view burst) { return CutInTwo(burst, cut); };
    EXPECT_TRUE(talk(CutEach(bursts, in_two)) == whole) << "cut at " << cut;
  }
  // The standard fixes the numbers of this generator, so a failure can be repeated on any machine. Distributions are
  // not fixed in this way, hence the modulo.
  std::minstd_rand random(1);
  const auto at_random = [&random](absl::string_view burst) { return CutAtRandom(burst, random); };
  for (int i = 0; i < kRandomCuts; ++i) {
    EXPECT_TRUE(talk(CutEach(bursts, at_random)) == whole) << "random cut " << i;
  }
  return whole;
}

}  // namespace polyserve
