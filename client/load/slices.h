// RunSlices: the load generator on command: its connections stay, and each line that it reads is one slice of load on
// them. It is for a program that compares servers, and measures them in turn without starting anything anew.
//
//   standard input   SECONDS [RATE]     0.1        for 0.1 s, behind the plan's warm-up; at the plan's rate, if it has
//   one
//                                       0.1 2000   open loop: 2,000 requests are due per second
//   standard output  one line of JSON for each, as --json prints it (report.h)
#ifndef POLYSERVE_CLIENT_LOAD_SLICES_H_
#define POLYSERVE_CLIENT_LOAD_SLICES_H_

#include <istream>
#include <optional>
#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/plan.h"

namespace polyserve {

// What a line asks for.
struct SliceOrder {
  absl::Duration duration = absl::ZeroDuration();
  std::optional<double> rate;  // Requests per second; nothing: that of the plan, which may be a closed loop.
};

// Returns InvalidArgument, with the reason, unless the line is as above: 0.001 to 86,400 seconds, a rate above 0.
absl::StatusOr<SliceOrder> ParseSliceOrder(absl::string_view line);

// Connects, and executes the lines until the end of the input or an interruption (LoadPlan::interrupted); blocks for
// that. Each report is flushed. Returns whether all slices were without fault; InvalidArgument for a line that makes no
// sense, or a rate for a workload that takes none; Unavailable or Cancelled if the connections could not be made.
absl::StatusOr<bool> RunSlices(LoadPlan plan, std::istream& orders, std::ostream& reports);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SLICES_H_
