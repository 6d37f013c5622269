#include "client/load/rate_profile.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/command_line.h"
#include "base/printable.h"

namespace polyserve {

namespace {

constexpr double kSecond = 1e9;
constexpr double kForever = std::numeric_limits<double>::infinity();
constexpr absl::Duration kShortest = absl::Milliseconds(1), kLongest = absl::Hours(24);  // As --duration.
// Beyond this it is a schedule, for which there is the workload replay.
constexpr size_t kMostPieces = 10'000;

double ToDouble(absl::Duration time) { return static_cast<double>(absl::ToInt64Nanoseconds(time)); }

// A very low rate may have its next request after the end of all clocks.
int64_t Rounded(double time) {
  return time < static_cast<double>(RateProfile::kNever) ? std::llround(time) : RateProfile::kNever;
}

absl::StatusOr<double> ParseRate(absl::string_view text) {
  double rate = 0;
  // Written so that NaN fails, too: every comparison with it is false.
  if (absl::SimpleAtod(text, &rate) && rate >= 0 && rate < RateProfile::kMostRate) return rate;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a rate: a number of requests per second, at least 0 and less than 1e9"));
}

}  // namespace

absl::StatusOr<std::pair<double, double>> ParseRates(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() > 2) return absl::InvalidArgumentError(absl::StrCat("'", text, "' is neither RATE nor FROM:TO"));
  const absl::StatusOr<double> from = ParseRate(parts.front());
  if (!from.ok()) return from.status();
  const absl::StatusOr<double> to = ParseRate(parts.back());
  if (!to.ok()) return to.status();
  return std::pair(*from, *to);
}

RateProfile RateProfile::Constant(double rate) {
  RateProfile profile;
  profile.Add(kForever, rate, rate, kForever);
  return profile;
}

RateProfile RateProfile::Ramp(double from, double to, absl::Duration duration) {
  RateProfile profile;
  profile.AddPhase(duration, from, to);
  return profile;
}

absl::StatusOr<RateProfile> RateProfile::Parse(std::istream& file) {
  RateProfile profile;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const absl::string_view text = absl::StripAsciiWhitespace(absl::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    if (absl::Status status = profile.AddLine(text); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", Printable(status.message())));
    }
  }
  // A burst alone lasts for no time, in which nothing could be counted. Behind one that ends a profile nothing is
  // counted any more, so its requests would not be sent.
  if (profile.pieces_.empty() || profile.duration() < kShortest || profile.duration() > kLongest) {
    return absl::InvalidArgumentError("its phases last for less than 1ms in all, or for more than 24h");
  }
  if (profile.pieces_.back().length == 0) {
    return absl::InvalidArgumentError("it ends with a burst; a phase has to follow, be it one of rate 0");
  }
  if (!(profile.total() >= 1)) return absl::InvalidArgumentError("no request is due in it");
  return profile;
}

absl::Status RateProfile::AddLine(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipWhitespace());
  if (words.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", line, "' is neither DURATION RATE, nor DURATION FROM:TO, nor burst COUNT"));
  }
  if (pieces_.size() == kMostPieces) {
    return absl::InvalidArgumentError(absl::StrCat("there are more than ", kMostPieces, " phases"));
  }
  if (words[0] == "burst") {
    int count = 0;
    if (!absl::SimpleAtoi(words[1], &count) || count < 1 || count >= kMostRate) {
      return absl::InvalidArgumentError(absl::StrCat("'", words[1], "' is not a number of requests, 1 or more"));
    }
    Add(0, 0, 0, count);
    return absl::OkStatus();
  }
  const absl::StatusOr<absl::Duration> length = ParseTimeFlag("profile", words[0]);
  if (!length.ok()) return absl::InvalidArgumentError(absl::StrCat("'", words[0], "' is not a time"));
  if (*length < absl::Nanoseconds(1) || *length > kLongest) {
    return absl::InvalidArgumentError("a phase is longer than 0, and 24h at most");
  }
  const absl::StatusOr<std::pair<double, double>> rates = ParseRates(words[1]);
  if (!rates.ok()) return rates.status();
  AddPhase(*length, rates->first, rates->second);
  return absl::OkStatus();
}

// The mean of the rates, times the time: the area below the line.
void RateProfile::AddPhase(absl::Duration length, double from, double to) {
  Add(ToDouble(length), from, to, (from + to) / 2 * (ToDouble(length) / kSecond));
}

void RateProfile::Add(double length, double from, double to, double count) {
  Piece piece = {0, length, from, to, 0, count};
  if (!pieces_.empty()) {
    piece.begin = pieces_.back().begin + pieces_.back().length;
    piece.before = pieces_.back().before + pieces_.back().count;
  }
  pieces_.push_back(piece);
}

RateProfile RateProfile::WithWarmUp(absl::Duration warm_up) const {
  RateProfile profile;
  if (warm_up > absl::ZeroDuration()) profile.AddPhase(warm_up, first(), first());
  for (const Piece& piece : pieces_) profile.Add(piece.length, piece.from, piece.to, piece.count);
  return profile;
}

double RateProfile::Expected(int64_t time) const {
  const auto at = static_cast<double>(time);
  double count = 0;
  for (const Piece& piece : pieces_) {
    if (piece.begin >= at) break;
    const double in = std::min(at - piece.begin, piece.length);
    if (in == piece.length) {  // Bursts, too.
      count = piece.before + piece.count;
      continue;
    }
    const double rate_then = piece.from + (piece.to - piece.from) * (in / piece.length);
    count = piece.before + (piece.from + rate_then) / 2 * (in / kSecond);
  }
  return count;
}

int64_t RateProfile::TimeOf(double count) const {
  // The first piece behind which more requests are due than `count`. So a request that falls on the edge of two phases
  // belongs to the second one, and of a phase without requests there is none.
  const auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), count, [](double wanted, const Piece& each) {
    return wanted < each.before + each.count;
  });
  if (piece == pieces_.end()) return kNever;
  if (piece->length == 0) return Rounded(piece->begin);
  const double wanted = count - piece->before;
  if (piece->from == piece->to) return Rounded(piece->begin + wanted / piece->from * kSecond);
  // The count in the first t seconds is from * t + slope / 2 * t^2. Solved for t in the form that subtracts nothing
  // where the slope is small: the usual one would lose all digits there.
  const double slope = (piece->to - piece->from) / (piece->length / kSecond);
  const double root = std::sqrt(std::max(0.0, piece->from * piece->from + 2 * slope * wanted));
  const double seconds = wanted == 0 ? 0 : 2 * wanted / (piece->from + root);
  return Rounded(piece->begin + std::min(seconds * kSecond, piece->length));
}

absl::Duration RateProfile::duration() const {
  const double end = pieces_.back().begin + pieces_.back().length;
  return end == kForever ? absl::InfiniteDuration() : absl::Nanoseconds(static_cast<int64_t>(end));
}

double RateProfile::total() const { return pieces_.back().before + pieces_.back().count; }

double RateProfile::first() const {
  for (const Piece& piece : pieces_) {
    if (piece.length > 0) return piece.from;
  }
  return 0;
}

double RateProfile::last() const {
  double rate = 0;
  for (const Piece& piece : pieces_) {
    if (piece.length > 0) rate = piece.to;
  }
  return rate;
}

double RateProfile::peak() const {
  double most = 0;
  for (const Piece& piece : pieces_) most = std::max({most, piece.from, piece.to});
  return most;
}

double RateProfile::MostWithin(absl::Duration time) const {
  double most = 0, bursts = 0;
  auto oldest = pieces_.begin();  // Of those that come within the time before `last`.
  for (const Piece& last : pieces_) {
    if (last.length > 0) continue;
    bursts += last.count;
    for (; oldest->begin < last.begin - ToDouble(time); ++oldest) bursts -= oldest->length > 0 ? 0 : oldest->count;
    most = std::max(most, bursts);
  }
  return std::min(total(), peak() * absl::ToDoubleSeconds(time) + most);
}

absl::StatusOr<RateProfile> ReadRateProfile(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open()) return absl::NotFoundError(absl::StrCat(path, " cannot be opened"));
  absl::StatusOr<RateProfile> profile = RateProfile::Parse(file);
  if (profile.ok()) return profile;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", profile.status().message()));
}

}  // namespace polyserve
