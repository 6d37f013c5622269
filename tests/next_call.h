// NextCall: the C library's own function behind one that a preloaded library (LD_PRELOAD) has put in its place.
//
//   const NextCall<"fsync", decltype(::fsync)> next_fsync;     // At namespace scope.
//   extern "C" int fsync(int fd) { return next_fsync(fd); }
//
// Found when the library is loaded, so that a call from a signal handler, or from a child between fork() and exec(),
// runs nothing but the function; a call that comes before that looks for itself. Any thread.
#ifndef POLYSERVE_TESTS_NEXT_CALL_H_
#define POLYSERVE_TESTS_NEXT_CALL_H_

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>

namespace polyserve {

// A name as an argument of a template.
template <size_t kSize>
struct CallName {
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is to become one.
  constexpr CallName(const char (&name)[kSize]) { std::copy_n(name, kSize, text); }
  char text[kSize];
};

template <CallName kName, typename Function>
class NextCall {
 public:
  NextCall() : function_(Find()) {}

  template <typename... Arguments>
  auto operator()(Arguments... arguments) const {
    return (function_ != nullptr ? function_ : Find())(arguments...);
  }

 private:
  static Function* Find() { return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, kName.text)); }

  Function* const function_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_NEXT_CALL_H_
