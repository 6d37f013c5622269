#include "protocol/talk.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr size_t kMaxCutInTwo = 200;
constexpr int kRandomCuts = 50;

class Talk {
 public:
  explicit Talk(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  void Show(absl::string_view bytes) {
    if (transcript_.closed) return;  // A driver reads no more, either.
    rest_.append(bytes.data(), bytes.size());
    while (!rest_.empty() && !transcript_.closed) {
      Output output;
      Input input(rest_);
      session_->OnInput(input, output);
      const bool held_up = !output.wants_more();
      rest_.erase(0, rest_.size() - input.bytes().size());
      Perform(output);
      if (!held_up) break;
    }
    transcript_.max_unconsumed = std::max(transcript_.max_unconsumed, rest_.size());
  }

  Transcript End() {
    if (!transcript_.closed) {
      Output output;
      session_->OnEndOfInput(output);
      Perform(output);
      transcript_.closed = false;  // It was the peer who ended it.
    }
    return transcript_;
  }

 private:
  void Perform(Output& output) {
    while (true) {
      while (!output.empty()) SendFront(output);
      if (!output.has_work()) break;
      output.TakeWork()(output);
    }
    if (output.closing()) transcript_.closed = true;
  }

  void SendFront(Output& output) {
    iovec piece;
    if (output.FrontMemory(&piece, 1) == 1) {
      transcript_.replies.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      output.Sent(static_cast<int64_t>(piece.iov_len));
      return;
    }
    const Output::FileRange& range = *output.FrontFile();
    char buffer[4096];
    const size_t wanted = static_cast<size_t>(std::min<int64_t>(range.length, sizeof(buffer)));
    const ssize_t count = ::pread(range.file->get(), buffer, wanted, range.offset);
    ASSERT_GT(count, 0) << "the session announced more than the file has";
    transcript_.replies.append(buffer, static_cast<size_t>(count));
    output.Sent(count);
  }

  std::unique_ptr<Session> session_;
  std::string rest_;
  Transcript transcript_;
};

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

}  // namespace

Transcript TalkInPieces(const SessionFactory& make_session, const std::vector<absl::string_view>& pieces) {
  Talk talk(make_session());
  for (absl::string_view piece : pieces) talk.Show(piece);
  return talk.End();
}

Transcript TalkInAnyPieces(const SessionFactory& make_session, absl::string_view input,
                           const std::function<std::string(std::string)>& normalize) {
  const auto talk = [&](const std::vector<absl::string_view>& pieces) {
    Transcript transcript = TalkInPieces(make_session, pieces);
    if (normalize != nullptr) transcript.replies = normalize(std::move(transcript.replies));
    return transcript;
  };
  const Transcript whole = talk({input});
  std::vector<absl::string_view> bytes;
  for (size_t i = 0; i < input.size(); ++i) bytes.push_back(input.substr(i, 1));
  EXPECT_TRUE(talk(bytes) == whole) << "byte by byte";
  for (size_t cut = 1; cut < std::min(input.size(), kMaxCutInTwo); ++cut) {
    EXPECT_TRUE(talk({input.substr(0, cut), input.substr(cut)}) == whole) << "cut at " << cut;
  }
  std::minstd_rand random(1);
  for (int i = 0; i < kRandomCuts; ++i) {
    EXPECT_TRUE(talk(CutAtRandom(input, random)) == whole) << "random cut " << i;
  }
  return whole;
}

}  // namespace polyserve
