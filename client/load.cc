// load: asks a server for the same thing as often as it can, or as often as told, checks every reply, and says how long
// they took. See load/generator.h for how it works.
#include <gflags/gflags.h>
#include <stdio.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/build_info.h"
#include "base/command_line.h"
#include "base/descriptor_limit.h"
#include "load/arrivals.h"
#include "load/generator.h"
#include "load/report.h"
#include "load/workloads.h"
#include "net/endpoint.h"

DEFINE_string(workload, "echo", "what to ask for; the workloads are listed below");
DEFINE_string(server, "127.0.0.1:8082", "whom to ask: HOST:PORT");
DEFINE_int32(connections, 64, "how many to keep busy");
DEFINE_int32(idle, 0, "how many more to open, and leave alone");
DEFINE_int32(threads, 1, "how many threads share the connections");
DEFINE_int32(depth, 1, "requests that a connection has on their way at a time (pipelining)");
DEFINE_double(rate, 0, "requests that are due per second, however slow the server is; 0: as many as it answers");
DEFINE_string(arrivals, "poisson", "with --rate: when they are due: fixed, poisson or burst");
DEFINE_uint64(seed, 1, "of --arrivals=poisson");
DEFINE_string(warm_up, "1s", "do not count what happens so early");
DEFINE_string(duration, "10s", "count for so long");
DEFINE_uint64(size, 64, "echo, churn: bytes of a message");
DEFINE_string(name, "", "http, download: the file");
DEFINE_uint64(primes, 10000, "compute: sum up those below it");
DEFINE_bool(json, false, "print JSON; times are in nanoseconds");
DEFINE_bool(build_info, false, "say how this program was built, and end");
DECLARE_bool(help);

namespace polyserve {

namespace {

enum ExitStatus { kDone = 0, kFaulty = 1, kUsageError = 2, kNoConnection = 3 };

int Fail(const absl::Status& error) {
  fprintf(stderr, "load: %s\n", std::string(error.message()).c_str());
  return absl::IsInvalidArgument(error) ? kUsageError : kNoConnection;
}

void PrintHelp() {
  absl::PrintF(
      "load: asks a server for the same thing again and again, checks every reply, and says how long they took.\n\n"
      "  load --workload=echo --server=127.0.0.1:8082 --connections=64\n"
      "  load --workload=http --server=127.0.0.1:8080 --name=hello.txt --rate=1000\n\nFlags:\n%s\nWorkloads:\n",
      DescribeFlags({"workload", "server", "connections", "idle", "threads", "depth", "rate", "arrivals", "seed",
                     "warm_up", "duration", "size", "name", "primes", "json", "build_info"}));
  for (const Workload& workload : AllWorkloads()) {
    absl::PrintF("  %-12s %-8s %s\n", workload.name, workload.service, workload.description);
  }
  absl::PrintF(
      "\nExit status: 0 done; 1 the figures cannot be trusted (it says why); 2 wrong usage; 3 no connection.\n");
}

absl::Status CheckFlags(const Workload* workload) {
  if (workload == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no workload '", FLAGS_workload, "'; see --help"));
  }
  const auto at_least = [](absl::string_view flag, double value, double least) {
    if (value >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is at least ", least));
  };
  absl::Status status = at_least("connections", FLAGS_connections, 1);
  status.Update(at_least("idle", FLAGS_idle, 0));
  status.Update(at_least("threads", FLAGS_threads, 1));
  status.Update(at_least("depth", FLAGS_depth, 1));
  status.Update(at_least("rate", FLAGS_rate, 0));
  if (!status.ok()) return status;
  if (FLAGS_threads > FLAGS_connections) {
    return absl::InvalidArgumentError("--threads is at most --connections: each needs one");
  }
  if (FLAGS_depth > 1 && (FLAGS_rate > 0 || workload->connection_each)) {
    return absl::InvalidArgumentError("--depth is for connections that are kept, without --rate");
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadPlan> MakePlan(const Workload& workload) {
  LoadPlan plan;
  const absl::StatusOr<Endpoint> to = Endpoint::Parse(FLAGS_server);
  if (!to.ok()) return absl::InvalidArgumentError(absl::StrCat("--server: ", to.status().message()));
  plan.to = *to;
  const absl::StatusOr<absl::Duration> warm_up = ParseTimeFlag("warm_up", FLAGS_warm_up);
  if (!warm_up.ok()) return warm_up.status();
  const absl::StatusOr<absl::Duration> duration = ParseTimeFlag("duration", FLAGS_duration);
  if (!duration.ok()) return duration.status();
  if (*duration < absl::Milliseconds(1) || *duration > absl::Hours(24) || *warm_up > absl::Hours(24)) {
    return absl::InvalidArgumentError("--duration is 1ms to 24h, --warm_up at most 24h");
  }
  const absl::StatusOr<Arrivals::Kind> arrivals = Arrivals::ParseKind(FLAGS_arrivals);
  if (!arrivals.ok()) return absl::InvalidArgumentError(absl::StrCat("--arrivals: ", arrivals.status().message()));
  plan.connections = FLAGS_connections;
  plan.idle_connections = FLAGS_idle;
  plan.threads = FLAGS_threads;
  plan.depth = FLAGS_depth;
  plan.connection_each = workload.connection_each;
  if (FLAGS_rate > 0) plan.rate = FLAGS_rate;
  plan.arrivals = *arrivals;
  plan.seed = FLAGS_seed;
  plan.warm_up = *warm_up;
  plan.duration = *duration;
  return plan;
}

int Run(int argc, char** argv) {
  const absl::StatusOr<std::vector<std::string>> others = ParseCommandLine(argc, argv);
  if (!others.ok()) return Fail(others.status());
  if (FLAGS_help) return PrintHelp(), kDone;
  if (FLAGS_build_info) return absl::PrintF("%s", DescribeBuild()), kDone;
  if (!others->empty()) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("'", others->front(), "' is not a flag; see --help")));
  }
  const Workload* workload = FindWorkload(FLAGS_workload);
  if (absl::Status status = CheckFlags(workload); !status.ok()) return Fail(status);
  absl::StatusOr<LoadPlan> plan = MakePlan(*workload);
  if (!plan.ok()) return Fail(plan.status());
  RaiseDescriptorLimit();
  absl::StatusOr<ExchangeFactory> make_exchange =
      workload->prepare({.size = FLAGS_size, .name = FLAGS_name, .primes = FLAGS_primes}, plan->to);
  if (!make_exchange.ok()) return Fail(make_exchange.status());
  plan->make_exchange = *std::move(make_exchange);
  const absl::StatusOr<LoadTally> tally = RunLoad(*plan);
  if (!tally.ok()) return Fail(tally.status());
  const auto report = FLAGS_json ? &ReportAsJson : &ReportAsText;
  absl::PrintF("%s", report(workload->name, *plan, *tally));
  return FaultsOf(*plan, *tally).empty() ? kDone : kFaulty;
}

}  // namespace

}  // namespace polyserve

int main(int argc, char** argv) { return polyserve::Run(argc, argv); }
