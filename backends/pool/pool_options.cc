#include "backends/pool/pool_options.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/command_line.h"
#include "net/available_processors.h"
#include "net/statistics.h"

namespace {

constexpr int kMaxWorkers = polyserve::Statistics::kMaxWorkers;

// One for each processor, but at least four, so that a few silent clients do not fill the pool. hardware_concurrency()
// may be 0, if the system does not tell.
std::string DefaultWorkers() {
  return absl::StrCat(std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 4, kMaxWorkers));
}

}  // namespace

DEFINE_string(
    workers, DefaultWorkers(),
    "=N|auto pools: how many workers there are, and so how many clients are served at once; event loops and rings: how "
    "many of them, 1 unless given; auto: as many as the processors that the server is given (affinity, control group)");
DEFINE_int32(workers_min, 0, "pools: how many workers stay when there is little to do; 0: --workers");
DEFINE_int32(workers_max, 0, "pools: up to how many workers there are while none is idle; 0: --workers");
DEFINE_int32(
    max_requests_per_worker, 0,
    "pools: a worker is replaced by a new one after this many clients; 0: it stays (Apache's name; a connection "
    "counts once)");
DEFINE_string(accept, "shared",
              "=shared|lock|pass|reuseport|bpf how workers share the listeners; lock is for pools, bpf for loops");
DEFINE_string(wake, "one",
              "=one|all how many of the workers that wait at the same listener (--accept=shared) a client wakes; "
              "all: the thundering herd, for a look at it");
DEFINE_string(worker_type, "thread", "=thread|process event loops and rings: what each of several is");
DEFINE_bool(pin_cpus, false, "each worker stays on one processor; more workers than processors take turns");

namespace polyserve {

namespace {

// InvalidArgument, with both flags, if the first value is above the second.
absl::Status CheckOrder(absl::string_view less, int less_value, absl::string_view more, int more_value) {
  if (less_value <= more_value) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", less, "=", less_value, " is more than --", more, "=", more_value));
}

bool WorkersAreAutomatic() { return FLAGS_workers == "auto"; }

// One answer for the whole start, so that all who ask see the same pool, whatever happens to the group meanwhile.
const AvailableProcessors& ProcessorsAtStart() {
  static const auto& processors = *new AvailableProcessors(FindAvailableProcessors());
  return processors;
}

absl::StatusOr<int> WorkersFromFlag() {
  if (WorkersAreAutomatic()) return std::min(ProcessorsAtStart().count, kMaxWorkers);
  int64_t workers = 0;  // One that is too large for int is still a number.
  if (!absl::SimpleAtoi(FLAGS_workers, &workers)) {
    return absl::InvalidArgumentError(absl::StrCat("--workers='", FLAGS_workers, "' is neither a number nor 'auto'"));
  }
  if (absl::Status status = CheckFlagRange("workers", workers, 1, kMaxWorkers); !status.ok()) return status;
  return static_cast<int>(workers);
}

// A bound that was given moves a --workers that was not: the default, or what "auto" has come to.
int WithinBounds(int workers) {
  if (IsFlagSet("workers_min")) workers = std::max(workers, FLAGS_workers_min);
  if (IsFlagSet("workers_max")) workers = std::min(workers, FLAGS_workers_max);
  return workers;
}

// Bounds that were not given are not checked: they follow from --workers. Status::Update() keeps the first error.
absl::Status CheckPoolSize(int workers) {
  const bool has_workers = IsFlagSet("workers") && !WorkersAreAutomatic();
  const bool has_min = IsFlagSet("workers_min");
  const bool has_max = IsFlagSet("workers_max");
  absl::Status status;
  if (has_min) status.Update(CheckFlagRange("workers_min", FLAGS_workers_min, 1, kMaxWorkers));
  if (has_max) status.Update(CheckFlagRange("workers_max", FLAGS_workers_max, 1, kMaxWorkers));
  if (has_min && has_max) status.Update(CheckOrder("workers_min", FLAGS_workers_min, "workers_max", FLAGS_workers_max));
  if (has_min && has_workers) status.Update(CheckOrder("workers_min", FLAGS_workers_min, "workers", workers));
  if (has_max && has_workers) status.Update(CheckOrder("workers", workers, "workers_max", FLAGS_workers_max));
  status.Update(CheckFlagRange("max_requests_per_worker", FLAGS_max_requests_per_worker, 0, INT32_MAX));
  return status;
}

bool SteersByProcessor() { return FLAGS_accept == "bpf"; }

absl::StatusOr<AcceptPolicy> PolicyFromFlag() {
  if (FLAGS_accept == "shared") return AcceptPolicy::kShared;
  if (FLAGS_accept == "lock") return AcceptPolicy::kLock;
  if (FLAGS_accept == "pass") return AcceptPolicy::kPass;
  if (FLAGS_accept == "reuseport" || SteersByProcessor()) return AcceptPolicy::kReusePort;
  return absl::InvalidArgumentError(
      absl::StrCat("--accept=", FLAGS_accept, " is not one of shared, lock, pass, reuseport, bpf"));
}

// Only those that wait at the same listener can be woken for the same client.
absl::StatusOr<bool> WakesAllFromFlag(AcceptPolicy accept, bool are_several) {
  if (FLAGS_wake != "one" && FLAGS_wake != "all") {
    return absl::InvalidArgumentError(absl::StrCat("--wake=", FLAGS_wake, " is not one of one, all"));
  }
  if (IsFlagSet("wake") && accept != AcceptPolicy::kShared) {
    return absl::InvalidArgumentError("--wake is for workers that wait at the same listener: --accept=shared");
  }
  if (IsFlagSet("wake") && !are_several) {
    return absl::InvalidArgumentError("--wake means nothing to a single loop; say how many there are with --workers=N");
  }
  return FLAGS_wake == "all";
}

// Clients can change places in a queue of the pool's own alone, which it has if it accepts them all by itself.
absl::StatusOr<AcceptPolicy> PolicyUnder(const OverloadOptions& overload) {
  if (!overload.is_set()) return PolicyFromFlag();
  if (PoolMayQueue()) return AcceptPolicy::kPass;
  return absl::InvalidArgumentError(absl::StrCat("--accept=", FLAGS_accept,
                                                 " leaves clients in the kernel's queue, which knows no --overload: "
                                                 "leave it out, or use --accept=pass"));
}

}  // namespace

absl::StatusOr<PoolOptions> PoolOptionsFromFlags() {
  const absl::StatusOr<OverloadOptions> overload = OverloadOptionsFromFlags();
  if (!overload.ok()) return overload.status();
  const absl::StatusOr<AcceptPolicy> accept = PolicyUnder(*overload);
  if (!accept.ok()) return accept.status();
  // A worker that serves one client to the end would keep those of its processor waiting, while others are idle.
  if (SteersByProcessor()) {
    return absl::InvalidArgumentError(
        "--accept=bpf is for event loops and rings, which serve many clients each; use shared, lock, pass or "
        "reuseport");
  }
  const absl::StatusOr<bool> wakes_all = WakesAllFromFlag(*accept, /*are_several=*/true);
  if (!wakes_all.ok()) return wakes_all.status();
  const absl::StatusOr<int> given = WorkersFromFlag();
  if (!given.ok()) return given.status();
  if (absl::Status status = CheckPoolSize(*given); !status.ok()) return status;

  // A --workers that was given has been checked against the bounds above.
  const int workers = WithinBounds(*given);
  const bool has_min = IsFlagSet("workers_min");
  const bool has_max = IsFlagSet("workers_max");
  const PoolOptions options{.accept = *accept,
                            .workers = workers,
                            .workers_min = has_min ? FLAGS_workers_min : workers,
                            .workers_max = has_max ? FLAGS_workers_max : workers,
                            .clients_per_worker = FLAGS_max_requests_per_worker,
                            .wakes_all = *wakes_all,
                            .steers_by_processor = false,
                            .pin_cpus = FLAGS_pin_cpus,
                            .are_loops = false,
                            .overload = *overload};
  // The kernel distributes clients over all listeners, whether or not there is a worker for each.
  if (options.accept == AcceptPolicy::kReusePort && !options.has_fixed_size()) {
    return absl::InvalidArgumentError(
        "--accept=reuseport needs a pool of fixed size (a listener without a worker would keep its clients waiting): "
        "leave out --workers_min and --workers_max");
  }
  return options;
}

std::string DescribeAutomaticWorkers() {
  if (!WorkersAreAutomatic()) return "";
  const AvailableProcessors& processors = ProcessorsAtStart();
  return absl::StrCat("--workers=auto is ", WithinBounds(std::min(processors.count, kMaxWorkers)), ": ",
                      processors.why);
}

bool PoolMayQueue() { return !IsFlagSet("accept") || FLAGS_accept == "pass"; }

bool LoopsAreProcesses() { return FLAGS_worker_type == "process"; }

absl::StatusOr<LoopOptions> LoopOptionsFromFlags() {
  const absl::StatusOr<AcceptPolicy> accept = PolicyFromFlag();
  if (!accept.ok()) return accept.status();
  // A loop never waits for clients alone: it waits for all that it serves, and would hold the lock all the time.
  if (*accept == AcceptPolicy::kLock) {
    return absl::InvalidArgumentError(
        "--accept=lock is for workers that wait for one client each (prefork, threadpool): a loop would keep it while "
        "it serves; use shared, pass, reuseport or bpf");
  }
  if (FLAGS_worker_type != "thread" && FLAGS_worker_type != "process") {
    return absl::InvalidArgumentError(absl::StrCat("--worker_type=", FLAGS_worker_type, " is not thread or process"));
  }
  // The flag's default is a pool's.
  const absl::StatusOr<int> given = IsFlagSet("workers") ? WorkersFromFlag() : absl::StatusOr<int>(1);
  if (!given.ok()) return given.status();
  const int workers = *given;
  // "auto" may come to one loop: flags that are for several then do nothing, so that one command line is right on every
  // machine.
  const bool are_several = workers > 1 || WorkersAreAutomatic();
  if (SteersByProcessor() && !are_several) {
    return absl::InvalidArgumentError("--accept=bpf needs several loops to choose from; say how many with --workers=N");
  }
  const absl::StatusOr<bool> wakes_all = WakesAllFromFlag(*accept, are_several);
  if (!wakes_all.ok()) return wakes_all.status();
  return LoopOptions{{.accept = *accept,
                      .workers = workers,
                      .workers_min = workers,
                      .workers_max = workers,
                      .clients_per_worker = 0,
                      .wakes_all = *wakes_all,
                      .steers_by_processor = SteersByProcessor() && workers > 1,
                      .pin_cpus = FLAGS_pin_cpus,
                      .are_loops = true},
                     LoopsAreProcesses()};
}

}  // namespace polyserve
