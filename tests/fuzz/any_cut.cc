#include "tests/fuzz/any_cut.h"

#include <algorithm>
#include <random>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "gtest/gtest.h"
#include "protocol/session_harness.h"

namespace polyserve {

namespace {

// The first bytes of the data seed the cuts; the session gets all of the data, these bytes included.
constexpr size_t kSeedBytes = 4;
constexpr size_t kMostOfAPiece = 64;

std::vector<absl::string_view> CutByData(absl::string_view input) {
  unsigned seed = 0;
  for (const char byte : input.substr(0, kSeedBytes)) seed = seed * 256 + static_cast<unsigned char>(byte);
  std::minstd_rand random(seed);
  std::vector<absl::string_view> pieces;
  while (!input.empty()) {
    const size_t size = std::min<size_t>(1 + random() % kMostOfAPiece, input.size());
    pieces.push_back(input.substr(0, size));
    input.remove_prefix(size);
  }
  return pieces;
}

std::vector<absl::string_view> CutIntoBytes(absl::string_view input) {
  std::vector<absl::string_view> pieces;
  for (size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

Transcript TalkWithinBound(const SessionFactory& make_session, const std::vector<absl::string_view>& pieces,
                           size_t most_unconsumed) {
  testing::GTEST_FLAG(throw_on_failure) = true;  // What talk.h checks counts as well.
  const Transcript transcript = TalkInPieces(make_session, pieces);
  CHECK_LE(transcript.max_unconsumed, most_unconsumed) << "the session leaves more than its bound";
  return transcript;
}

absl::string_view AsText(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

}  // namespace

void CheckAnyCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed) {
  const absl::string_view input = AsText(data, size);
  if (input.empty()) return;
  const Transcript whole = TalkWithinBound(make_session, {input}, std::max(most_unconsumed, size));
  CHECK(TalkWithinBound(make_session, CutByData(input), most_unconsumed + kMostOfAPiece) == whole)
      << "cut in pieces, it answers differently";
  CHECK(TalkWithinBound(make_session, CutIntoBytes(input), most_unconsumed + 1) == whole)  // The one too many.
      << "byte by byte, it answers differently";
}

void CheckOneCut(const SessionFactory& make_session, const uint8_t* data, size_t size, size_t most_unconsumed) {
  TalkWithinBound(make_session, CutByData(AsText(data, size)), most_unconsumed + kMostOfAPiece);
}

}  // namespace polyserve
