// The command line, for every program here: gflags' flags, with the errors and the help that we want to show. gflags'
// own parser is not used: it prints its errors and exits the process itself, and its help lists the flags of every
// library.
//
//   DEFINE_int32(port, 8080, "where to listen");
//   DEFINE_string(root, ".", "=DIR the directory to serve");   // The help says --root=DIR.
//   absl::StatusOr<std::vector<std::string>> names = ParseCommandLine(argc, argv);   // FLAGS_port is set.
//
// A description may begin with "=" and a word that stands for the value: DIR, FILE, TIME, BYTES, or all values that
// there are, as in "=wait|refuse". The completion of shells goes by it (tools/manual). A number is N without it.
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
#include "absl/types/span.h"

namespace polyserve {

// Sets the flags that are given as --name=value, --name value, --name or --noname; "--" ends them, and one dash does as
// well as two. Returns the other arguments in their order; a single "-" is one of them. InvalidArgument, in one line:
// an unknown flag (with the nearest one as a suggestion), a bad value, a missing one. The flags before the faulty one
// are set by then.
absl::StatusOr<std::vector<std::string>> ParseCommandLine(int argc, char** argv);

// Replaces each --flagfile=FILE before "--" by the lines of the file, each of which is a flag as in --name=value. Blank
// lines are skipped, and so are those that begin with "#". `argc` and `argv` then describe a copy, which lives until
// the next call. NotFound and other errors of the system: the file cannot be read. InvalidArgument, with the file and
// the number of the line: it is no flag, or another --flagfile. For programs that want such files, before
// ParseCommandLine(), to which --flagfile is unknown.
absl::Status ExpandFlagFiles(int& argc, char**& argv);

// Entries of a help text (base/help_text.h) for the flags with these names, separated by blanks: the meaning of each,
// and its default. Skips names that are no flags.
std::string DescribeFlags(absl::string_view names);

// The flags of a help text under a title.
struct FlagTopic {
  const char* title;
  const char* flags;  // Names separated by blanks, as for DescribeFlags().
};

// The topics one after the other, each behind a blank line.
std::string DescribeTopics(absl::Span<const FlagTopic> topics);

// True if the flag was given on the command line, even with its default as the value. False if
// there is no such flag.
bool IsFlagSet(const std::string& name);

// InvalidArgument, in one line that names the flag, if its value is below `least` or above `most`.
absl::Status CheckFlagRange(absl::string_view name, int64_t value, int64_t least, int64_t most);

// A time from a flag: "10" and "10s" are ten seconds, "1500ms" and "2m30s" work as well; "inf" is for ever.
// InvalidArgument: anything else, or a negative time.
absl::StatusOr<absl::Duration> ParseTimeFlag(absl::string_view name, absl::string_view value);
// A time-out, which may be infinite, but not below a millisecond: zero looks like "never", and would end everything at
// once. `if_none` tells the user how to do without it.
absl::StatusOr<absl::Duration> ParseTimeoutFlag(absl::string_view name, absl::string_view value,
                                                absl::string_view if_none);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_COMMAND_LINE_H_
