#include "client/load/web_users.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <system_error>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/load/ask_once.h"
#include "client/load/exchange.h"

namespace polyserve {

namespace {

namespace fs = std::filesystem;

// The parameters of the paper, in its names.
constexpr double kMu = 9.357, kSigma = 1.318;           // The body of the sizes, in bytes.
constexpr double kBody = 0.93, kTailFrom = 133'000;     // The share of the body; where the tail begins.
constexpr double kTailAlpha = 1.1;                      // The tail of the sizes.
constexpr double kPageAlpha = 2.43, kThinkAlpha = 1.5;  // Files of a page; time between clicks.
// A page with more is cut: one in some 70,000.
constexpr double kMostFilesOfAPage = 100;
// The length of the schedule, which then begins again: long enough that hardly a measurement sees the same twice.
constexpr absl::Duration kLength = absl::Minutes(1);

double NormalCdf(double x) { return std::erfc(-x / std::sqrt(2)) / 2; }

// By bisection: it is called a hundred times. Sixty halvings of 20 leave less than a double can tell.
double NormalQuantile(double share) {
  double low = -10, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (NormalCdf(middle) < share ? low : high) = middle;
  }
  return low;
}

// The inverse of the distribution function: with a uniform share of 0 to 1 it draws from the distribution. The share
// must be below 1, at which the value is infinite.
double ParetoQuantile(double share, double least, double alpha) { return least * std::pow(1 - share, -1 / alpha); }

// The body is the part of the lognormal distribution that lies below the tail.
double SizeQuantile(double share) {
  if (share >= kBody) return ParetoQuantile((share - kBody) / (1 - kBody), kTailFrom, kTailAlpha);
  const double below = NormalCdf((std::log(kTailFrom) - kMu) / kSigma);
  return std::exp(kMu + kSigma * NormalQuantile(share / kBody * below));
}

std::string FileName(int index) { return absl::StrFormat("%02d", index); }

// One user, who has been clicking for long before the beginning.
class User {
 public:
  User(uint32_t number, double think_seconds, uint64_t seed) : think_(think_seconds) {
    // A generator for each user, seeded by its number as well: more users leave the clicks of the others as they are.
    std::seed_seq seeds = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), number};
    random_.seed(seeds);
  }

  // The seconds from the beginning to the first click: what is left of a pause at a moment that is drawn at random (the
  // equilibrium distribution of a renewal process). Without it, all users would click in the first seconds.
  double FirstPause() {
    const double share = Draw() * kThinkAlpha / (kThinkAlpha - 1);
    if (share < 1) return think_ * share;
    const double left = (kThinkAlpha - (kThinkAlpha - 1) * share);  // 1 at `share` 1, 0 at the end.
    return think_ * std::pow(left, -1 / (kThinkAlpha - 1));
  }
  double Pause() { return ParetoQuantile(Draw(), think_, kThinkAlpha); }
  int FilesOfAPage() { return static_cast<int>(std::min(ParetoQuantile(Draw(), 1, kPageAlpha), kMostFilesOfAPage)); }
  uint32_t File() { return std::uniform_int_distribution<uint32_t>(0, kWebFiles - 1)(random_); }

 private:
  double Draw() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  const double think_;
  std::mt19937_64 random_;
};

}  // namespace

std::vector<uint64_t> WebFileSizes() {
  std::vector<uint64_t> sizes;
  for (int i = 0; i < kWebFiles; ++i)
    // The middles of a hundred equal shares, not draws: so every run and every server has the same files, and the tail
    // is there although a hundred draws may miss it.
    sizes.push_back(static_cast<uint64_t>(std::llround(SizeQuantile((i + 0.5) / kWebFiles))));
  return sizes;
}

absl::Status WriteWebFiles(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  const std::vector<uint64_t> sizes = WebFileSizes();
  // Each file is a beginning of the largest one, so that one string serves to check them all.
  const std::string content = PrintableText(sizes.back());
  for (int i = 0; i < kWebFiles; ++i) {
    const uint64_t size = sizes[static_cast<size_t>(i)];
    const fs::path path = fs::path(directory) / FileName(i);
    // A file that a run before has left is taken as it is: writing it again would change its date, by which servers and
    // their caches know a file.
    if (fs::file_size(path, error) == size && !error) continue;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(size)).flush();
    if (!file.good()) return absl::UnavailableError(absl::StrCat(path.string(), " cannot be written"));
  }
  return absl::OkStatus();
}

Schedule DrawWebUsers(uint32_t users, absl::Duration think_time, uint64_t seed, absl::string_view prefix,
                      const Endpoint& server) {
  Schedule schedule;
  schedule.clients = users;
  schedule.length = absl::ToInt64Nanoseconds(kLength);
  const std::vector<uint64_t> sizes = WebFileSizes();
  schedule.content = std::make_shared<const std::string>(PrintableText(sizes.back()));
  const absl::string_view content = *schedule.content;
  for (int i = 0; i < kWebFiles; ++i) {
    const uint64_t size = sizes[static_cast<size_t>(i)];
    schedule.targets.push_back({HttpRequestHead("GET", absl::StrCat("/", prefix, FileName(i)), server) + "\r\n", false,
                                size, content.substr(0, size)});
  }
  const double end = absl::ToDoubleSeconds(kLength);
  for (uint32_t number = 0; number < users; ++number) {
    User user(number, absl::ToDoubleSeconds(think_time), seed);
    for (double at = user.FirstPause(); at < end; at += user.Pause()) {
      const auto due = static_cast<int64_t>(at * 1e9);
      // All due at the click, because that is when the user begins to wait for the page.
      for (int files = user.FilesOfAPage(); files > 0; --files) {
        schedule.requests.push_back({due, number, user.File(), false});
      }
    }
  }
  // Stable, so that the files of a page stay in their order, and the same seed gives the same schedule.
  absl::c_stable_sort(schedule.requests, [](const auto& a, const auto& b) { return a.due < b.due; });
  return schedule;
}

}  // namespace polyserve
