// MakeLoopBackend: a loop that serves many clients as a Backend: one, on the main thread, or --workers=N of them.
#ifndef POLYSERVE_BACKENDS_LOOP_BACKEND_H_
#define POLYSERVE_BACKENDS_LOOP_BACKEND_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/serving_loop.h"

namespace polyserve {

// InvalidArgument: flags that make no sense.
absl::StatusOr<std::unique_ptr<Backend>> MakeLoopBackend(MakeLoop make_loop);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_LOOP_BACKEND_H_
