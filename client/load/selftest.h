// The load generator on trial: is what it says so? It starts a server itself, stops it, lets it lie, overloads it, and
// measures it in turns with other people's load generators.
#ifndef POLYSERVE_CLIENT_LOAD_SELFTEST_H_
#define POLYSERVE_CLIENT_LOAD_SELFTEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/self_check.h"

namespace polyserve {

// All checks, one after the other; it takes about half a minute. Every program that is started is named on standard
// error, and ended again. Call it while there is a single thread. NotFound: there is no such server. Unavailable: it
// does not start, or cannot be asked.
absl::StatusOr<std::vector<SelfCheck>> RunSelfTest(const std::string& server_program);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELFTEST_H_
