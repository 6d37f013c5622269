// What whoever starts a server tells it by variables of the environment.
#ifndef POLYSERVE_LIFECYCLE_ENVIRONMENT_H_
#define POLYSERVE_LIFECYCLE_ENVIRONMENT_H_

#include <cstdlib>
#include <string>

namespace polyserve {

// The value of the variable, which is removed, so that no child takes it for its own; empty if there is none. Before
// there are other threads (environ(7)).
inline std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  const std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  return taken;
}

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_ENVIRONMENT_H_
