#include "base/build_info.h"

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// gcc and clang define __OPTIMIZE__ at every level above -O0.
#ifdef __OPTIMIZE__
constexpr char kOptimized[] = "yes";
#else
constexpr char kOptimized[] = "no";
#endif

// Bazel defines it for --compilation_mode=opt. Without it assert(3), DCHECK and the checks of the libraries' headers
// run, which a figure must not include.
#ifdef NDEBUG
constexpr char kAsserts[] = "no";
#else
constexpr char kAsserts[] = "yes";
#endif

// gcc defines a macro for each sanitizer; clang answers __has_feature(), which gcc before version 14 does not know.
// gcc 12 has none for the sanitizer of undefined behaviour, which is therefore not named; .bazelrc turns it on only
// together with the one for addresses.
#if !defined(__has_feature)
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr char kSanitizers[] = "address";
#elif defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
constexpr char kSanitizers[] = "thread";
#else
constexpr char kSanitizers[] = "none";
#endif

// Clang is the one to ask for: it defines __GNUC__ as well, for the sake of headers that know only gcc.
#ifdef __clang__
constexpr char kCompiler[] = "clang";
#else
constexpr char kCompiler[] = "gcc";
#endif

}  // namespace

std::string DescribeBuild() {
  return absl::StrCat("optimized ", kOptimized, "\nasserts ", kAsserts, "\nsanitizers ", kSanitizers, "\ncompiler ",
                      kCompiler, " ", __VERSION__, "\n");
}

std::string DescribeVersion() { return absl::StrCat("polyserve ", kVersion, "\n", DescribeBuild()); }

}  // namespace polyserve
