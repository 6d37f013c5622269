// RunProgram: another program, run to its end, for tests with real clients.
#ifndef POLYSERVE_TESTS_PROGRAM_H_
#define POLYSERVE_TESTS_PROGRAM_H_

#include <string>
#include <vector>

namespace polyserve {

struct ProgramRun {
  int exit_status;     // 128 and the signal's number where a signal ended it; 127 where there is no such program.
  std::string output;  // Of both kinds.
};

// The first argument is the program's name, looked for in PATH. It is killed after kPatience.
ProgramRun RunProgram(const std::vector<std::string>& arguments);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PROGRAM_H_
