// StatisticsOf: what a running server counts, read from the memory that its processes share. Nothing is asked of the
// server, so looking changes nothing.
//
//   absl::StatusOr<Statistics> statistics = StatisticsOf(server.pid());
//   EXPECT_EQ(statistics->Total().accepted, 1);
#ifndef POLYSERVE_TESTS_STATISTICS_OF_H_
#define POLYSERVE_TESTS_STATISTICS_OF_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "net/statistics.h"

namespace polyserve {

// NotFound: there is no such process, or it is no server. The memory stays when the server has gone.
absl::StatusOr<Statistics> StatisticsOf(pid_t server);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_STATISTICS_OF_H_
