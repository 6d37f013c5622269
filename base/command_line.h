// The command line, for every program here: gflags' flags, with the errors and the help that we want to show. gflags'
// own parser is not used: it prints its errors and exits the process itself, and its help lists the flags of every
// library.
//
//   DEFINE_int32(port, 8080, "where to listen");
//   absl::StatusOr<std::vector<std::string>> names = ParseCommandLine(argc, argv);   // FLAGS_port is set.
//
// Not thread-safe: call these in main(), before there are threads.
#ifndef POLYSERVE_BASE_COMMAND_LINE_H_
#define POLYSERVE_BASE_COMMAND_LINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// Sets the flags that are given as --name=value, --name value, --name or --noname; "--" ends them, and one dash does as
// well as two. Returns the other arguments in their order; a single "-" is one of them. InvalidArgument, in one line:
// an unknown flag (with the nearest one as a suggestion), a bad value, a missing one. The flags before the faulty one
// are set by then.
absl::StatusOr<std::vector<std::string>> ParseCommandLine(int argc, char** argv);

// The named flags, one a line, with their meaning and default, for a help text. Skips names that are no flags.
std::string DescribeFlags(const std::vector<std::string>& names);

// True if the flag was given on the command line, even with its default as the value. False if
// there is no such flag.
bool IsFlagSet(const std::string& name);

// InvalidArgument, in one line that names the flag, if its value is below `least` or above `most`.
absl::Status CheckFlagRange(absl::string_view name, int64_t value, int64_t least, int64_t most);

// A time from a flag: "10" and "10s" are ten seconds, "1500ms" and "2m30s" work as well; "inf" is for ever.
// InvalidArgument: anything else, or a negative time.
absl::StatusOr<absl::Duration> ParseTimeFlag(absl::string_view name, absl::string_view value);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_COMMAND_LINE_H_
