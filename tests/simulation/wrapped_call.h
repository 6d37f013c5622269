// POLYSERVE_CALL: declares a function that the linker's --wrap replaces (BUILD), and the one that is called in its
// place.
#ifndef POLYSERVE_TESTS_SIMULATION_WRAPPED_CALL_H_
#define POLYSERVE_TESTS_SIMULATION_WRAPPED_CALL_H_

// The names that the linker gives them: Real##name is the system's, and Wrap##name is called in its place.
#define POLYSERVE_CALL(result, name, symbol, ...)           \
  result Real##name(__VA_ARGS__) __asm__("__real_" symbol); \
  result Wrap##name(__VA_ARGS__) __asm__("__wrap_" symbol)

#endif  // POLYSERVE_TESTS_SIMULATION_WRAPPED_CALL_H_
