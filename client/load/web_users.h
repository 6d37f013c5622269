// Web users: the workload of a public web site: files of very different sizes, and many users of whom few are active at
// a time. After P. Barford and M. Crovella, "Generating Representative Web Workloads for Network and Server Performance
// Evaluation", SIGMETRICS 1998 (SURGE), with their parameters:
//
//   size of a file        93 %: lognormal, mu 9.357, sigma 1.318, below 133 kB; 7 %: Pareto from 133 kB on, alpha 1.1
//   files of a page       Pareto, k 1, alpha 2.43, rounded down
//   between two clicks    Pareto, k 1 s (--think_time), alpha 1.5
//
// Simpler than theirs: the sizes are kWebFiles quantiles of the distribution; each file is as popular as any other; all
// files of a page are due with the click, and fetched one after the other on one connection; and a user clicks on
// although the page is late, so that a slow server does not slow its load down.
#ifndef POLYSERVE_CLIENT_LOAD_WEB_USERS_H_
#define POLYSERVE_CLIENT_LOAD_WEB_USERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/schedule.h"
#include "net/endpoint.h"

namespace polyserve {

constexpr int kWebFiles = 100;

// The sizes of the files 00 to 99, in bytes, ascending.
std::vector<uint64_t> WebFileSizes();

// Writes the files into a directory, which is made if there is none; those that have the right size already are left
// alone. Unavailable: the file system refuses.
absl::Status WriteWebFiles(const std::string& directory);

// The requests of a minute, of `users` that have a connection each. The server offers the files under `prefix`
// ("web/"). `think_time` is the shortest time between two clicks, above 0; on average it is three times as long. The
// load is steady from the beginning on. The same seed gives the same requests.
Schedule DrawWebUsers(uint32_t users, absl::Duration think_time, uint64_t seed, absl::string_view prefix,
                      const Endpoint& server);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WEB_USERS_H_
