// ProgramPath: where Bazel has put a program of this repository for a test that lists it as `data`. The place differs
// between `bazel test` and `bazel run`, and under sanitizers' configurations; the runfiles library knows it.
#ifndef POLYSERVE_TESTS_PROGRAM_PATH_H_
#define POLYSERVE_TESTS_PROGRAM_PATH_H_

#include <errno.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace polyserve {

// `name` is the path from the top of the repository: "server", "client/load/load". Returns "", and fails the test, if
// there are no runfiles, as in a test that was started by hand from another directory. Does not check that the program
// is there: a target that is not among the test's `data` shows when it is started.
inline std::string ProgramPath(absl::string_view name) {
  using bazel::tools::cpp::runfiles::Runfiles;
  std::string error;
  const std::unique_ptr<Runfiles> runfiles(Runfiles::Create(program_invocation_name, &error));
  EXPECT_NE(runfiles, nullptr) << error;
  return runfiles == nullptr ? "" : runfiles->Rlocation(absl::StrCat("polyserve/", name));
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PROGRAM_PATH_H_
