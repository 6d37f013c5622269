#include "tests/simulation/trace.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyserve::simulation {

std::string Trace::ToString() const {
  std::string text;
  for (const Step& step : steps_) {
    absl::StrAppendFormat(&text, "%14.6f ms  %-16s %5d %10d  -> %d\n", static_cast<double>(step.at) / kMillisecond,
                          step.what, step.who, step.argument, step.result);
  }
  return text;
}

void FailSchedule(absl::string_view reason, absl::string_view name, const Trace& trace) {
  const std::string text = absl::StrCat("time               step             who      bytes or argument  -> result\n",
                                        trace.ToString(), "FAILED: ", reason, "\nrepeat it: ", name, "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::_Exit(kFailureStatus);
}

}  // namespace polyserve::simulation
