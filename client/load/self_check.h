// SelfCheck: the result of one check of the self-test (selftest.h), and the output of all of them.
#ifndef POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_
#define POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve {

// Two tools agree if the median ratio of their rounds is within 10 % of 1, or if the ratios lie on both sides of it.
// They run in turn, one round each, because a machine becomes faster and slower with time; the ratio of a round
// compares two runs that had about the same machine. If a tool's own rounds differ by more than a quarter, a difference
// between the tools proves nothing; by more than a half, not even agreement does.
//
//   own     8000  8100  7900  8050  8000      the ratios 0.98 to 1.01: median 0.99, passed
//   other   8100  8000  8050  7950  8100
struct SelfCheck {
  enum class Verdict {
    kPassed,
    kFailed,
    kTooNoisy,  // The rounds differ too much to decide: this machine is busy. Not a failure.
    kSkipped,   // The other program is not installed.
  };

  std::string name;
  Verdict verdict;
  std::string seen;  // What was measured, in words.
};

// Decides whether two tools that measured the same server in alternating rounds agree. The rates are per second, one
// for each round. REQUIRES: the same number of both, at least one, all above 0.
SelfCheck CompareRates(absl::string_view other_tool, const std::vector<double>& own, const std::vector<double>& others);

// True if no check has failed; one that was skipped, or too noisy, has not.
bool AllPassed(const std::vector<SelfCheck>& checks);

// A table for a person, or one line of JSON for a program.
std::string SelfChecksAsText(const std::vector<SelfCheck>& checks);
std::string SelfChecksAsJson(const std::vector<SelfCheck>& checks);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_
