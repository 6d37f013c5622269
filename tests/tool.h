// RunTool: runs a program to its end. Mostly an independent client (curl, wget, tftp, ...): one that knows nothing of
// this server tests what the server understands. tools/setup --test installs those that are used.
//
//   const ToolRun run = RunTool({"curl", "-sS", "http://127.0.0.1:8080/a"}, here.path());
//   EXPECT_EQ(run.exit_status, 0) << run.output;
#ifndef POLYSERVE_TESTS_TOOL_H_
#define POLYSERVE_TESTS_TOOL_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/eventually.h"

namespace polyserve {

struct ToolRun {
  int exit_status;     // 127: it is not installed. 128 + N: signal N ended it. -1: it was killed after `patience`.
  std::string output;  // Standard output, and then standard error.
};

// Runs the command, looked for in PATH, in this directory, with `input` as its standard input. It gets a plain
// environment: no proxies, no configuration. Blocks until it ends, for `patience` at most; then it is killed. Its
// output goes to files, so it never waits for a full pipe.
ToolRun RunTool(const std::vector<std::string>& command, const std::string& directory, const std::string& input = "",
                absl::Duration patience = kPatience);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TOOL_H_
