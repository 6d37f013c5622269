// The version, and how a program was built: what a figure that it gave is worth depends on it.
#ifndef POLYSERVE_BASE_BUILD_INFO_H_
#define POLYSERVE_BASE_BUILD_INFO_H_

#include <string>

namespace polyserve {

// The one that CHANGELOG.md has at its top; released or not.
inline constexpr char kVersion[] = "0.2.0";

// A line for each fact, "name value": optimized yes|no, asserts yes|no, sanitizers none|..., compiler NAME VERSION. As
// the compiler itself said it when it compiled this; Bazel compiles all of a program with the same options.
std::string DescribeBuild();

// What --version prints: the version and the build.
std::string DescribeVersion();

}  // namespace polyserve

#endif  // POLYSERVE_BASE_BUILD_INFO_H_
