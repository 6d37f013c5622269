// MakeMultiLoopBackend: a loop that serves many clients as a Backend: one, on the main thread, or --workers=N of them,
// each in a thread or (--worker_type=process) in a process, supervised by a pool (backends/pool/loop_workers.h).
//
//   epoll.cc ... coroutine.cc ─▶ event_backend ─┐
//   uring.cc ───────────────────────────────────┴▶ multi_loop ─┬▶ one loop: its Run() is the backend's Serve()
//                                                              └▶ a pool of loops
#ifndef POLYSERVE_BACKENDS_MULTI_LOOP_H_
#define POLYSERVE_BACKENDS_MULTI_LOOP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "backends/backend.h"
#include "backends/event/event_loop.h"

namespace polyserve {

struct LoopOptions;
struct Traits;

// `make_loop` is called in each loop's own thread or process, with that loop's context and role, and may be called
// again for a replacement. InvalidArgument: flags make no sense.
absl::StatusOr<std::unique_ptr<Backend>> MakeMultiLoopBackend(MakeLoop make_loop);

// The same with these options instead of those of the flags.
std::unique_ptr<Backend> MakeMultiLoopBackend(MakeLoop make_loop, const LoopOptions& options);

// One loop, on the main thread, whatever the flags say.
std::unique_ptr<Backend> MakeOneLoopBackend(MakeLoop make_loop);

// For the rows of such models in the registry: what their flags change of the traits (Model::adjust).
void AdjustLoopTraits(Traits& can);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_MULTI_LOOP_H_
