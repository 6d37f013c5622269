// The version, and how a program was built. A figure that an unoptimized or a sanitized build gave is worth nothing, so
// programs that measure say how they were built.
#ifndef POLYSERVE_BASE_BUILD_INFO_H_
#define POLYSERVE_BASE_BUILD_INFO_H_

#include <string>

namespace polyserve {

// The version at the top of CHANGELOG.md, released or not.
inline constexpr char kVersion[] = "0.2.0";

// A line for each fact, "name value": optimized yes|no, asserts yes|no, sanitizers none|..., compiler NAME VERSION.
// These are the options that this file was compiled with; Bazel compiles all of a program with the same ones.
std::string DescribeBuild();

// What --version prints: the version and the build.
std::string DescribeVersion();

}  // namespace polyserve

#endif  // POLYSERVE_BASE_BUILD_INFO_H_
