// The seam between the server's code and the simulated ring, as system_calls.cc is for the system's calls: liburing
// makes its system calls inline, so the functions that make them are replaced as wholes. What liburing's headers do by
// themselves (getting and preparing operations, looking at completions, lending buffers) is memory alone, and stays.
#include <liburing.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "tests/simulation/kernel.h"
#include "tests/simulation/ring.h"
#include "tests/simulation/wrapped_call.h"

namespace polyserve::simulation {

POLYSERVE_CALL(int, QueueInit, "io_uring_queue_init_params", unsigned entries, io_uring* ring, io_uring_params* wanted);
POLYSERVE_CALL(void, QueueExit, "io_uring_queue_exit", io_uring* ring);
POLYSERVE_CALL(int, Submit, "io_uring_submit", io_uring* ring);
POLYSERVE_CALL(int, SubmitAndWait, "io_uring_submit_and_wait", io_uring* ring, unsigned count);
POLYSERVE_CALL(int, SubmitAndGet, "io_uring_submit_and_get_events", io_uring* ring);
POLYSERVE_CALL(int, RegisterBuffers, "io_uring_register_buf_ring", io_uring* ring, io_uring_buf_reg* buffers,
               unsigned flags);
POLYSERVE_CALL(int, RegisterFiles, "io_uring_register_files_sparse", io_uring* ring, unsigned places);
POLYSERVE_CALL(int, RegisterRing, "io_uring_register_ring_fd", io_uring* ring);
POLYSERVE_CALL(io_uring_probe*, Probe, "io_uring_get_probe_ring", io_uring* ring);

namespace {

bool IsOn() { return Kernel::current() != nullptr; }

int Enter(const io_uring* ring, Kernel::Completions completions) {
  return Kernel::current()->EnterRing(ring->ring_fd, completions);
}

Ring& Simulated(const io_uring* ring) { return Kernel::current()->FindRing(ring->ring_fd); }

}  // namespace

int WrapQueueInit(unsigned entries, io_uring* ring, io_uring_params* wanted) {
  if (!IsOn()) return RealQueueInit(entries, ring, wanted);
  auto simulated = std::make_shared<Ring>(*Kernel::current(), *ring, *wanted);
  ring->ring_fd = Kernel::current()->AddRing(std::move(simulated));
  return 0;
}

void WrapQueueExit(io_uring* ring) {
  if (!IsOn()) return RealQueueExit(ring);
  Kernel::current()->Close(ring->ring_fd);
}

int WrapSubmit(io_uring* ring) { return IsOn() ? Enter(ring, Kernel::Completions::kNotAsked) : RealSubmit(ring); }

int WrapSubmitAndWait(io_uring* ring, unsigned count) {
  return IsOn() ? Enter(ring, Kernel::Completions::kAwaited) : RealSubmitAndWait(ring, count);
}

int WrapSubmitAndGet(io_uring* ring) {
  return IsOn() ? Enter(ring, Kernel::Completions::kAsked) : RealSubmitAndGet(ring);
}

int WrapRegisterBuffers(io_uring* ring, io_uring_buf_reg* buffers, unsigned flags) {
  if (!IsOn()) return RealRegisterBuffers(ring, buffers, flags);
  Simulated(ring).LendBuffers(*buffers);
  return 0;
}

int WrapRegisterFiles(io_uring* ring, unsigned places) {
  if (!IsOn()) return RealRegisterFiles(ring, places);
  Simulated(ring).MakeTable();
  return 0;
}

int WrapRegisterRing(io_uring* ring) { return IsOn() ? 1 : RealRegisterRing(ring); }

// All operations that liburing knows. It is freed by io_uring_free_probe(), with free(3).
io_uring_probe* WrapProbe(io_uring* ring) {
  if (!IsOn()) return RealProbe(ring);
  auto* const probe =
      static_cast<io_uring_probe*>(std::calloc(1, sizeof(io_uring_probe) + IORING_OP_LAST * sizeof(io_uring_probe_op)));
  probe->last_op = IORING_OP_LAST - 1;
  for (int i = 0; i < IORING_OP_LAST; ++i) probe->ops[i].flags = IO_URING_OP_SUPPORTED;
  return probe;
}

}  // namespace polyserve::simulation
