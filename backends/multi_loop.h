// MakeMultiLoopBackend: a loop that serves many clients as a Backend: one, on the main thread, or --workers=N of them.
#ifndef POLYSERVE_BACKENDS_MULTI_LOOP_H_
#define POLYSERVE_BACKENDS_MULTI_LOOP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/event/event_loop.h"

namespace polyserve {

struct Traits;

// InvalidArgument: flags that make no sense.
absl::StatusOr<std::unique_ptr<Backend>> MakeMultiLoopBackend(MakeLoop make_loop);

// For the rows of such models: their flags, and what these change.
constexpr char kLoopFlags[] = "workers worker_type accept pin_cpus offload offload_files";
void AdjustLoopTraits(Traits& can);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_MULTI_LOOP_H_
