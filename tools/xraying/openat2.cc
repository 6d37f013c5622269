// Preloaded into a server under valgrind, which does not know openat2(2): openat(2) in its place. It resolves paths
// without the safeguards of openat2(2), so it is for counting instructions only.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

extern "C" long syscall(long number, ...) noexcept {  // NOLINT(google-runtime-int): as the C library declares it.
  va_list list;
  va_start(list, number);
  long arguments[6];  // NOLINT(google-runtime-int): as above; a call has six at most.
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto [a, b, c, d, e, f] = arguments;
  if (number == SYS_openat2) {
    // A call's arguments are numbers, whatever they stand for: NOLINTBEGIN(performance-no-int-to-ptr)
    const auto* how = reinterpret_cast<const open_how*>(c);
    return openat(static_cast<int>(a), reinterpret_cast<const char*>(b), static_cast<int>(how->flags), how->mode);
    // NOLINTEND(performance-no-int-to-ptr)
  }
  static const auto real = reinterpret_cast<decltype(&syscall)>(dlsym(RTLD_NEXT, "syscall"));
  return real(number, a, b, c, d, e, f);
}
