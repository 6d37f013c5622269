// SelfCheck: what one check of the self-test has found, and how it is shown.
#ifndef POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_
#define POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve {

struct SelfCheck {
  enum class Verdict {
    kPassed,
    kFailed,
    kTooNoisy,  // This machine is too busy to tell.
    kSkipped,   // The other program is not installed.
  };

  std::string name;
  Verdict verdict;
  std::string seen;  // The figures, in words.
};

// Whether two tools that measured the same server in turns say the same: rates per second of their rounds, as many of
// each, at least one, over 0.
SelfCheck CompareRates(absl::string_view other_tool, const std::vector<double>& own, const std::vector<double>& others);

// True if none has failed.
bool AllPassed(const std::vector<SelfCheck>& checks);

// A table for a person, or one line of JSON for a program.
std::string SelfChecksAsText(const std::vector<SelfCheck>& checks);
std::string SelfChecksAsJson(const std::vector<SelfCheck>& checks);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELF_CHECK_H_
