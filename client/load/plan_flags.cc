#include "client/load/plan_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/command_line.h"
#include "base/take.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/impatient_clients.h"
#include "client/load/load_tls.h"
#include "client/load/open_loop.h"
#include "client/load/workload_options.h"
#include "net/endpoint.h"
#include "net/socket.h"

DEFINE_string(workload, "echo", "=NAME the requests to send; the workloads are listed below");
DEFINE_string(server, "127.0.0.1:8082", "=[SERVICE[+tls]://]HOST:PORT the server; +tls encrypts");
DEFINE_bool(tls_resume, false,
            "with +tls: new connections resume the session of an earlier one; otherwise each shakes hands in full");
DEFINE_int32(connections, 64, "connections to keep busy");
DEFINE_int32(idle, 0, "further connections, which send nothing");
DEFINE_int32(threads, 1, "threads that share the connections");
DEFINE_int32(depth, 1, "requests under way on a connection at a time (pipelining)");
DEFINE_string(
    rate, "0",
    "=N|FROM:TO requests that are due per second, however slow the server is; FROM:TO: that changes evenly over "
    "--duration; 0: as many as it answers");
DEFINE_string(
    profile, "",
    "=FILE how the rate changes: lines DURATION RATE, DURATION FROM:TO or burst COUNT; in place of --rate and "
    "--duration");
DEFINE_string(schedule, "", "=FILE replay: the requests: time,method,path,bytes,client");
DEFINE_string(begin, "0", "=TIME|random replay: where in the schedule to begin; random: by --seed");
DEFINE_string(keep_alive, "15s", "=TIME replay: how long a client keeps a connection on which nothing is said");
DEFINE_string(think_time, "1s",
              "=TIME web: the shortest time between two clicks of a user; it is three times as long on average");
DEFINE_string(arrivals, "poisson", "=fixed|poisson|burst with --rate: when they are due");
DEFINE_string(give_up, "inf",
              "=TIME with --rate: clients that give up a request after this time, each with a connection of its own; "
              "what counts is what is answered in time");
DEFINE_string(retry, "none",
              "=none|at_once|backoff with --give_up: whether a client whose request was refused, or that has given up, "
              "tries again; backoff: after a random time up to --give_up, which doubles with each further try");
DEFINE_int32(tries, 3, "with --retry: how often a client tries at most");
DEFINE_uint64(seed, 1, "the seed of --arrivals=poisson, of wait, of relay, of web, and of --begin=random");
DEFINE_string(warm_up, "1s", "=TIME load the server for this long before counting");
DEFINE_string(duration, "10s", "=TIME count for this long");
DEFINE_string(interval, "1s", "=TIME with --json, --rows or a rate that changes: each such time is counted separately");
DEFINE_uint64(size, 64,
              "=BYTES echo, churn, datagrams, message, mixed, chat: the size of a message; upload, library: of a file");
DEFINE_string(
    name, "",
    "=NAME http, slow, download, halves: the file; upload, library, disk, web: the prefix of the files' names");
DEFINE_uint64(primes, 10000, "compute, mixed: ask for the sum of the primes below this number");
DEFINE_string(wait, "10ms", "=TIME wait, relay: how long the server lets a request wait, on average");
DEFINE_string(wait_times, "fixed",
              "=fixed|exponential|two-humped wait, relay: how that differs from one request to the next");
DEFINE_string(
    listen_at, "",
    "=HOST:PORT,... chat: where the listeners join, in turn, if servers share the room; by default at --server, "
    "where one speaks");
DEFINE_string(files, "",
              "=DIR disk: the directory on this machine whose files the server offers; web: where to write its files");
DEFINE_string(beside_server, "", "=[compute[+tls]://]HOST:PORT mixed: the address of the service compute");
DEFINE_int32(beside_connections, 1, "mixed: connections that compute; slow: connections that read slowly");
DEFINE_string(beside_name, "", "=NAME slow: the file for the slow readers, a large one; by default that of --name");
DEFINE_double(read_rate, 10000, "=BYTES slow: what each slow reader reads in a second");
DEFINE_string(rows, "",
              "=FILE write a row with rate and percentiles for each --interval; FILE ends in .csv or .ndjson");
DEFINE_bool(
    slices, false,
    "keep the connections, and run a slice of load for each line SECONDS [RATE] on standard input; implies --json");

namespace polyserve {

namespace {

constexpr int kMostIntervals = 1'000'000;  // Each is a number in the report.
// Each takes 58 KiB in each thread, for its times.
constexpr int kMostRows = 1000;
constexpr int kMostTries = 1000;
// Of clients under way that give up. Each is a descriptor, of which few systems give a process more.
constexpr double kFewestPlaces = 64;
constexpr double kMostPlaces = 20'000;

// Checks what concerns all workloads; each checks its own options in prepare().
absl::Status CheckFlags(int agents) {
  const auto at_least = [](absl::string_view flag, double value, double least) {
    // Also refuses NaN, with which every comparison is false.
    if (value >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is at least ", least));
  };
  absl::Status status = at_least("connections", FLAGS_connections, 1);
  status.Update(at_least("idle", FLAGS_idle, 0));
  status.Update(at_least("threads", FLAGS_threads, 1));
  status.Update(at_least("depth", FLAGS_depth, 1));
  status.Update(at_least("beside_connections", FLAGS_beside_connections, 1));
  if (!status.ok()) return status;
  // By a division, so that large numbers do not overflow.
  if (FLAGS_threads > FLAGS_connections / agents) {
    return absl::InvalidArgumentError(
        agents == 1 ? "--threads is at most --connections: each needs one"
                    : absl::StrCat("--connections is at least one for each of --threads on ", agents, " agents"));
  }
  return absl::OkStatus();
}

// A name with several addresses ("localhost") is resolved to the first one that answers: all connections of a run must
// go to the same one, or the figures would be of two servers. An address that stands for itself is not tried here: the
// first connection of the run shows whether it answers.
absl::StatusOr<Endpoint> ResolveServer(absl::string_view flag, absl::string_view value) {
  const absl::StatusOr<Endpoints> server = Endpoints::Parse(value);
  if (!server.ok()) return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", server.status().message()));
  if (server->all().size() == 1) return server->all().front();
  // The connection is closed again at once: only its address is wanted.
  const absl::StatusOr<UniqueFd> connection = ConnectTcp(*server, LoadPlan().patience);
  if (!connection.ok()) return absl::UnavailableError(connection.status().message());
  return Endpoint::OfPeer(connection->get());
}

struct Server {
  Endpoint at;
  std::shared_ptr<const LoadTls> tls;  // Null: in the clear.
};

// Takes HOST:PORT with or without the service that the workload needs, which `service` names as --listen does.
absl::StatusOr<Server> ParseServer(absl::string_view flag, absl::string_view value, absl::string_view service) {
  const bool has_tls = absl::ConsumePrefix(&value, absl::StrCat(service, "+tls://"));
  if (!has_tls) absl::ConsumePrefix(&value, absl::StrCat(service, "://"));
  if (absl::StrContains(value, "://")) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": '", value, "' is not of the form HOST:PORT, ",
                                                   service, "://HOST:PORT or ", service, "+tls://HOST:PORT"));
  }
  const absl::StatusOr<Endpoint> at = ResolveServer(flag, value);
  if (!at.ok()) return at.status();
  if (!has_tls) return Server{*at, nullptr};
  absl::string_view host = value.substr(0, value.rfind(':'));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return Server{*at, LoadTls::Create(std::string(host), FLAGS_tls_resume)};
}

// Datagrams have none here, and how slowly a reader takes what TLS has decrypted says nothing about its socket.
absl::Status CheckTls(const LoadPlan& plan) {
  bool has_tls = plan.tls != nullptr;
  bool has_others = plan.datagrams;
  for (const LoadPlan& beside : plan.beside) {
    has_tls = has_tls || beside.tls != nullptr;
    has_others = has_others || beside.make_thread != nullptr;
  }
  if (has_tls && has_others) {
    return absl::InvalidArgumentError(absl::StrCat("the workload ", plan.workload, " cannot be had over TLS"));
  }
  if (!has_tls && FLAGS_tls_resume) {
    return absl::InvalidArgumentError("--tls_resume goes with +tls, as in --server=http+tls://127.0.0.1:8443");
  }
  return absl::OkStatus();
}

absl::StatusOr<Impatience::Retry> ParseRetry() {
  if (FLAGS_retry == "none") return Impatience::Retry::kNone;
  if (FLAGS_retry == "at_once") return Impatience::Retry::kAtOnce;
  if (FLAGS_retry == "backoff") return Impatience::Retry::kBackOff;
  return absl::InvalidArgumentError(absl::StrCat("--retry=", FLAGS_retry, " is not one of none, at_once, backoff"));
}

// Nothing: clients wait.
absl::StatusOr<std::optional<Impatience>> ReadImpatience(bool has_rate) {
  const absl::StatusOr<absl::Duration> give_up = ParseTimeFlag("give_up", FLAGS_give_up);
  if (!give_up.ok()) return give_up.status();
  const absl::StatusOr<Impatience::Retry> retry = ParseRetry();
  if (!retry.ok()) return retry.status();
  if (*give_up == absl::InfiniteDuration()) {
    if (!IsFlagSet("retry") && !IsFlagSet("tries")) return std::nullopt;
    return absl::InvalidArgumentError(
        "--retry and --tries are for clients that give up: say when, with --give_up=TIME");
  }
  if (*retry == Impatience::Retry::kNone && IsFlagSet("tries")) {
    return absl::InvalidArgumentError("--tries is for clients that try again: say how, with --retry=at_once|backoff");
  }
  if (*give_up < absl::Milliseconds(1) || *give_up > absl::Hours(1)) {
    return absl::InvalidArgumentError("--give_up is 1ms to 1h");
  }
  if (!has_rate && !FLAGS_slices) {
    return absl::InvalidArgumentError("--give_up needs --rate: clients that come whether or not others are served");
  }
  if (absl::Status status = CheckFlagRange("tries", FLAGS_tries, 1, kMostTries); !status.ok()) return status;
  return Impatience{*give_up, *retry, FLAGS_tries};
}

// Each try is a new client, so what is asked must not depend on what was asked before on the same connection.
absl::Status MakeImpatient(LoadPlan& plan) {
  if (!plan.impatience.has_value()) return absl::OkStatus();
  if (plan.make_thread != nullptr || plan.datagrams || plan.inspect != nullptr || !plan.beside.empty() ||
      plan.idle_connections > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--give_up is for requests that have nothing to do with each other, which those of ", plan.workload,
        " are not; use http, echo, message, compute, wait, relay or download, without --idle"));
  }
  plan.make_thread = [](const LoadPlan& share) { return std::make_unique<ImpatientClients>(share); };
  plan.connection_each = true;
  return absl::OkStatus();
}

// As many as are under way if all tries are in vain, and some for arrivals at random.
int PlacesFor(const Impatience& impatience, const LoadPlan& plan) {
  const int tries = impatience.retry == Impatience::Retry::kNone ? 1 : impatience.tries;
  const absl::Duration time = impatience.give_up * tries;
  const double under_way =
      plan.profile == nullptr ? *plan.rate * absl::ToDoubleSeconds(time) : plan.profile->MostWithin(time);
  return static_cast<int>(std::min(kFewestPlaces + 1.25 * under_way, kMostPlaces));
}

// How long, and in which intervals.
absl::Status SetSpan(LoadPlan& plan) {
  absl::Status status = Take(ParseTimeFlag("warm_up", FLAGS_warm_up), plan.warm_up);
  status.Update(Take(ParseTimeFlag("duration", FLAGS_duration), plan.duration));
  status.Update(Take(ParseTimeFlag("interval", FLAGS_interval), plan.interval));
  if (!status.ok()) return status;
  // The upper bounds also refuse "inf", which the arithmetic in nanoseconds could not hold.
  constexpr absl::Duration kLeast = absl::Milliseconds(1), kMost = absl::Hours(24);
  if (std::min(plan.duration, plan.interval) < kLeast ||
      std::max({plan.duration, plan.interval, plan.warm_up}) > kMost) {
    return absl::InvalidArgumentError("--duration and --interval are 1ms to 24h, --warm_up at most 24h");
  }
  return absl::OkStatus();
}

// The rate, and the rows of an interval each.
absl::Status SetRate(LoadPlan& plan) {
  if (!FLAGS_profile.empty() && (IsFlagSet("rate") || IsFlagSet("duration"))) {
    return absl::InvalidArgumentError("--profile has rates and a duration of its own: no --rate, --duration");
  }
  if (absl::Status status = SetOpenLoop(FLAGS_rate, FLAGS_profile, plan); !status.ok()) return status;
  if (FLAGS_slices && plan.profile != nullptr) {
    return absl::InvalidArgumentError("--slices has a rate in each line: no --profile, no FROM:TO");
  }
  // In an open loop a pipelined request would wait behind others on its connection, and that wait would count as the
  // server's service time.
  if (FLAGS_depth > 1 && (plan.rate.has_value() || plan.connection_each)) {
    return absl::InvalidArgumentError("--depth is for connections that are kept, without --rate");
  }
  plan.keeps_rows = !FLAGS_rows.empty() || plan.profile != nullptr;
  if (plan.duration / plan.interval > kMostIntervals) {
    return absl::InvalidArgumentError(
        absl::StrCat("there would be more than ", kMostIntervals, " intervals: --interval must be longer"));
  }
  if (plan.keeps_rows && plan.duration / plan.interval > kMostRows) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there would be more than ", kMostRows, " rows (--rows, or a rate that changes): --interval must be longer"));
  }
  return absl::OkStatus();
}

absl::Status SetTimes(WorkloadOptions& options) {
  absl::Status status = Take(ParseTimeFlag("keep_alive", FLAGS_keep_alive), options.keep_alive);
  status.Update(Take(ParseTimeFlag("think_time", FLAGS_think_time), options.think_time));
  status.Update(Take(ParseTimeFlag("wait", FLAGS_wait), options.wait));
  // Nothing stands for "at random", which the workload decides once it knows the length of its schedule.
  options.begin = std::nullopt;
  if (FLAGS_begin != "random") status.Update(Take(ParseTimeFlag("begin", FLAGS_begin), options.begin));
  return status;
}

// Taken over unchecked: what makes sense depends on the workload, whose prepare() looks at the options that it uses.
absl::StatusOr<WorkloadOptions> MakeOptions() {
  WorkloadOptions options;
  options.size = FLAGS_size;
  options.name = FLAGS_name;
  options.primes = FLAGS_primes;
  options.wait_times = FLAGS_wait_times;
  options.files = FLAGS_files;
  options.beside_name = FLAGS_beside_name;
  options.read_rate = FLAGS_read_rate;
  options.beside_connections = FLAGS_beside_connections;
  options.schedule = FLAGS_schedule;
  if (absl::Status status = SetTimes(options); !status.ok()) return status;
  for (const absl::string_view server : absl::StrSplit(FLAGS_listen_at, ',', absl::SkipEmpty())) {
    const absl::StatusOr<Endpoint> at = ResolveServer("listen_at", server);
    if (!at.ok()) return at.status();
    options.listen_at.push_back(*at);
  }
  if (!FLAGS_beside_server.empty()) {
    absl::StatusOr<Server> server = ParseServer("beside_server", FLAGS_beside_server, "compute");
    if (!server.ok()) return server.status();
    options.beside_server = server->at;
    options.beside_tls = server->tls;
  }
  return options;
}

}  // namespace

absl::StatusOr<const Workload*> WorkloadByFlags() {
  const Workload* workload = FindWorkload(FLAGS_workload);
  if (workload != nullptr) return workload;
  return absl::InvalidArgumentError(absl::StrCat("there is no workload '", FLAGS_workload, "'; see --help"));
}

absl::StatusOr<LoadPlan> MakePlan(const Workload& workload, int agents, int agent) {
  if (absl::Status status = CheckFlags(agents); !status.ok()) return status;
  LoadPlan plan;
  plan.workload = workload.name;
  plan.connection_each = workload.connection_each;
  absl::Status status = SetSpan(plan);
  if (status.ok()) status = SetRate(plan);
  if (!status.ok()) return status;
  const absl::StatusOr<Arrivals::Kind> arrivals = Arrivals::ParseKind(FLAGS_arrivals);
  if (!arrivals.ok()) return absl::InvalidArgumentError(absl::StrCat("--arrivals: ", arrivals.status().message()));
  plan.connections = FLAGS_connections;
  plan.idle_connections = FLAGS_idle;
  plan.threads = FLAGS_threads;
  plan.agents = agents;
  plan.agent = agent;
  plan.depth = FLAGS_depth;
  const absl::StatusOr<std::optional<Impatience>> impatience = ReadImpatience(plan.rate.has_value());
  if (!impatience.ok()) return impatience.status();
  plan.impatience = *impatience;
  if (plan.impatience.has_value() && plan.rate.has_value() && !IsFlagSet("connections")) {
    plan.connections = PlacesFor(*plan.impatience, plan);
  }
  plan.arrivals = *arrivals;
  plan.seed = FLAGS_seed;
  return plan;
}

absl::Status SetServer(const Workload& workload, LoadPlan& plan) {
  const absl::StatusOr<Server> server = ParseServer("server", FLAGS_server, workload.service);
  if (!server.ok()) return server.status();
  plan.to = server->at;
  plan.tls = server->tls;
  return absl::OkStatus();
}

absl::Status PreparePlan(const Workload& workload, LoadPlan& plan) {
  const absl::StatusOr<WorkloadOptions> options = MakeOptions();
  if (!options.ok()) return options.status();
  absl::Status status = workload.prepare(*options, plan);
  if (status.ok()) status = CheckTls(plan);
  if (status.ok()) status = MakeImpatient(plan);
  for (const LoadPlan& beside : plan.beside) {
    if (beside.connections >= beside.threads * beside.agents) continue;
    status.Update(absl::InvalidArgumentError("--beside_connections is at least one for each of --agents"));
  }
  return status;
}

}  // namespace polyserve
