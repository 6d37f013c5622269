// The self-test of the load generator: are its figures right? It starts a server, stops it in mid-run, has it send
// wrong content, overloads it, and measures it in alternation with established load generators (docs/load.md names
// them).
#ifndef POLYSERVE_CLIENT_LOAD_SELFTEST_H_
#define POLYSERVE_CLIENT_LOAD_SELFTEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/self_check.h"

namespace polyserve {

// Runs all checks, one after the other, in about half a minute. Each program that it starts is named on standard error,
// and ended again. Errors: NotFound (there is no such server program), Unavailable (the server does not start or
// answer). Call while there is a single thread.
absl::StatusOr<std::vector<SelfCheck>> RunSelfTest(const std::string& server_program);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELFTEST_H_
