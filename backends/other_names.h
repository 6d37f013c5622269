// OtherNames: what textbooks and well-known servers call the models, and the command line that each of these designs is
// here. For --model=help, and for a --model that is no name of ours: the answer is the command line to use instead.
//
//   FindOtherName("half-sync/half-async")->flags      "--model=halfsync"
//
// docs/models.md has the same table, and tests/command_line_test.cc starts each of its rows. Constant, so any thread.
#ifndef POLYSERVE_BACKENDS_OTHER_NAMES_H_
#define POLYSERVE_BACKENDS_OTHER_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyserve {

// Whether the command line is that design, or only comes nearest to it, because no model here is.
enum class Fit { kSame, kNearest };

struct OtherName {
  const char* name;   // Small letters, digits and hyphens.
  const char* where;  // Whose name that is, and of what, if the name does not say so.
  const char* flags;  // As in a shell. A number of workers stands for any.
  Fit fit = Fit::kSame;
};

// By where they come from. Also those whose model this program lacks.
absl::Span<const OtherName> AllOtherNames();

// Null if there is none. Letters may be large, and anything that is neither a letter nor a digit counts as a hyphen.
const OtherName* FindOtherName(absl::string_view name);

// A table for --model=help, of those whose model this program has.
std::string DescribeOtherNames();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_OTHER_NAMES_H_
