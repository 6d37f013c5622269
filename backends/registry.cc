#include "backends/registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "backends/pool/pool_options.h"

namespace polyserve {

// Each is the one thing that the model's file offers.
absl::StatusOr<std::unique_ptr<Backend>> MakeLoopBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeForkBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeMultiprocessBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeThreadBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakePreforkBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeThreadpoolBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeNonblockBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeSelectBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakePollBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeEpollBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeLibeventBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeUringBackend();
absl::StatusOr<std::unique_ptr<Backend>> MakeCoroutineBackend();

namespace {

constexpr Traits kProcessPerClient = {.computes_apart = true, .survives_crash = true, .shares_memory = false};
constexpr Traits kProcessPool = {
    .pooled = true, .computes_apart = true, .survives_crash = true, .shares_memory = false};

constexpr char kThreadpoolFlags[] = "workers accept workers_min workers_max max_requests_per_worker pin_cpus";
constexpr char kPreforkFlags[] = "workers accept lock workers_min workers_max max_requests_per_worker pin_cpus";

constexpr char kRingFlags[] = "workers worker_type accept pin_cpus offload offload_files";
constexpr char kCoroutineFlags[] = "workers worker_type accept accept_batch pin_cpus offload offload_files";
constexpr char kEventFlags[] = "trigger workers worker_type accept accept_batch pin_cpus offload offload_files";
constexpr char kLibeventFlags[] =
    "method trigger workers worker_type accept accept_batch pin_cpus offload offload_files";

constexpr Model kModels[] = {
    {"loop", "one client after the other", {.keeps_clients_apart = false}, "", &MakeLoopBackend},
    {"fork", "a process for each client", kProcessPerClient, "reap", &MakeForkBackend},
    {"multiprocess", "a Process object for each client", kProcessPerClient, "start_method", &MakeMultiprocessBackend},
    {"thread", "a thread for each client", {.computes_apart = true}, "", &MakeThreadBackend},
    {"prefork", "a process of a pool", kProcessPool, kPreforkFlags, &MakePreforkBackend},
    {"threadpool",
     "a thread of a pool",
     {.pooled = true, .computes_apart = true},
     kThreadpoolFlags,
     &MakeThreadpoolBackend},
    {"nonblock",
     "one thread, asking each descriptor again and again",
     {},
     "poll_interval log_waiting",
     &MakeNonblockBackend},
    {"select", "one thread, readiness told by select", {.max_clients = 1024}, kEventFlags, &MakeSelectBackend},
    {"poll", "one thread, readiness told by poll", {}, kEventFlags, &MakePollBackend},
    {"epoll", "one thread, readiness told by epoll", {}, kEventFlags, &MakeEpollBackend},
    {"libevent", "one thread, readiness told by libevent", {}, kLibeventFlags, &MakeLibeventBackend},
    {"uring", "one thread, operations done by the kernel's ring", {}, kRingFlags, &MakeUringBackend},
    {"coroutine", "a coroutine for each client, on one thread", {}, kCoroutineFlags, &MakeCoroutineBackend},
};

const char* SilentClient(const Traits& can) {
  if (!can.keeps_clients_apart) return "blocks";
  return can.pooled ? "one of N" : "harmless";
}

}  // namespace

absl::Span<const Model> AllModels() { return kModels; }

Traits TraitsWithFlags(const Model& model) {
  Traits can = model.can;
  if (LoopsAreProcesses()) can.shares_memory = false;
  return can;
}

const Model* FindModel(absl::string_view name) {
  for (const Model& model : kModels) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

std::string DescribeModels() {
  constexpr char kRow[] = "%-13s %-52s %-9s %-10s %-6s %-9s %s\n";
  std::string table = absl::StrFormat(kRow, "model", "who serves a client", "silent", "long work", "crash", "at most",
                                      "flags of its own");
  absl::StrAppend(&table, absl::StrFormat(kRow, "", "", "client", "stalls", "ends", "clients", ""));
  for (const Model& model : kModels) {
    const Traits& can = model.can;
    absl::StrAppend(&table, absl::StrFormat(kRow, model.name, model.description, SilentClient(can),
                                            can.computes_apart ? "nobody" : "all", can.survives_crash ? "one" : "all",
                                            can.max_clients > 0 ? absl::StrCat(can.max_clients) : "-", model.flags));
  }
  return table;
}

}  // namespace polyserve
