#include "client/load/self_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyserve {

namespace {

using Verdict = SelfCheck::Verdict;

// Ratios of a tool's fastest round to its slowest. Above this one nothing can be said.
constexpr double kTooNoisy = 1.5;
// Above this one, a difference between the tools may come from the machine.
constexpr double kNoisy = 1.25;
// Two tools agree if they differ by no more. Equality is not expected: they order their requests differently, and so
// load the server a little differently.
constexpr double kAgree = 0.10;

const char* InWords(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kFailed:
      return "FAILED";
    case Verdict::kTooNoisy:
      return "too noisy to tell";
    case Verdict::kSkipped:
      return "skipped";
  }
  return "";
}

// Not the mean: one round that another program has disturbed must not move the result.
double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// The ratio of the largest to the smallest: 1 if all are equal.
double Spread(const std::vector<double>& values) {
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  return *highest / *lowest;
}

}  // namespace

// Noise excuses a disagreement from kNoisy on. From kTooNoisy on it also takes away agreement: with ratios that
// scattered, some lie on both sides of 1 by chance.
SelfCheck CompareRates(absl::string_view other_tool, const std::vector<double>& own,
                       const std::vector<double>& others) {
  std::vector<double> ratios;
  // Round by round, since the two runs of a round had about the same machine; the medians of the tools may come from
  // rounds in which it was not.
  for (size_t i = 0; i < own.size(); ++i) ratios.push_back(own[i] / others[i]);
  const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
  const double ratio = Median(ratios), noise = std::max(Spread(own), Spread(others));
  // If each tool was faster in some round, the rounds themselves cannot tell which one is.
  const bool agree = std::abs(ratio - 1) <= kAgree || (*lowest <= 1 && 1 <= *highest);
  Verdict verdict = agree ? Verdict::kPassed : noise > kNoisy ? Verdict::kTooNoisy : Verdict::kFailed;
  if (noise > kTooNoisy) verdict = Verdict::kTooNoisy;
  return {absl::StrCat(other_tool, " agrees"), verdict,
          absl::StrFormat("%.0f per second, %s %.0f: %.2f of it (%.2f to %.2f in %d rounds)", Median(own), other_tool,
                          Median(others), ratio, *lowest, *highest, ratios.size())};
}

bool AllPassed(const std::vector<SelfCheck>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const SelfCheck& check) { return check.verdict == Verdict::kFailed; });
}

std::string SelfChecksAsText(const std::vector<SelfCheck>& checks) {
  std::string text;
  for (const SelfCheck& check : checks) {
    absl::StrAppendFormat(&text, "%-45s  %-17s  %s\n", check.name, InWords(check.verdict), check.seen);
  }
  return text;
}

std::string SelfChecksAsJson(const std::vector<SelfCheck>& checks) {
  nlohmann::json json = {{"passed", AllPassed(checks)}, {"self_test", nlohmann::json::array()}};
  for (const SelfCheck& check : checks) {
    json["self_test"].push_back({{"check", check.name}, {"verdict", InWords(check.verdict)}, {"seen", check.seen}});
  }
  return json.dump() + "\n";
}

}  // namespace polyserve
