// What ThreadSanitizer reports although nothing is wrong, for every program that is built with it.
//
//   StrError  Debian's Abseil, which is not instrumented, makes its table of error texts before others read it.
//   close     The ring closes descriptors, and openat2(2) opens some, unseen: a number that comes back is another
//             descriptor.
#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:base_internal::StrError\nrace:close\n"; }
#endif
