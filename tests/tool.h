// RunTool: a program that others wrote, run to its end, as a test of what the server understands. tools/setup --test
// installs those that are used.
#ifndef POLYSERVE_TESTS_TOOL_H_
#define POLYSERVE_TESTS_TOOL_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/eventually.h"

namespace polyserve {

struct ToolRun {
  int exit_status;     // 127: it is not installed. -1: it had not ended in time, and was killed.
  std::string output;  // Standard output, and then standard error.
};

// Runs the command, looked for in PATH, in this directory, with `input` as its standard input. It gets a plain
// environment: no proxies, no configuration. It has to end within `patience`.
ToolRun RunTool(const std::vector<std::string>& command, const std::string& directory, const std::string& input = "",
                absl::Duration patience = kPatience);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TOOL_H_
