#include "client/load/selftest.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include <functional>
#include <future>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/load/child.h"
#include "client/load/generator.h"
#include "client/load/interruption.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/selftest_server.h"
#include "client/load/tally.h"
#include "client/load/workload_options.h"
#include "client/load/workloads.h"

namespace polyserve {

namespace {

using Verdict = SelfCheck::Verdict;

// Long beside any pause that a busy machine makes, short beside a user's patience.
constexpr absl::Duration kStop = absl::Milliseconds(1500);
constexpr absl::Duration kRound = absl::Seconds(1);
constexpr int kRounds = 5;  // Of each tool; the median of five stands up to two that are disturbed.
constexpr int kConnections = 16;

// One processor for the server, the others for the load generator. Nothing if there is only one.
struct Processors {
  std::optional<cpu_set_t> server, clients;
};

// A sibling thread of the server's core may be among the clients'; that costs both tools the same.
Processors ShareProcessors() {
  cpu_set_t all, first;
  CPU_ZERO(&first);
  if (::sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2) return {};
  int cpu = 0;
  while (!CPU_ISSET(cpu, &all)) ++cpu;
  CPU_SET(cpu, &first);
  CPU_CLR(cpu, &all);
  return {first, all};
}

// A plan of the workload with this name, as the command line would make it. REQUIRES: there is such a workload.
absl::StatusOr<LoadPlan> PlanFor(absl::string_view workload, const TrialServer& server,
                                 const WorkloadOptions& options = {}) {
  const Workload* found = FindWorkload(workload);
  LoadPlan plan;
  plan.workload = found->name;
  plan.to = server.address(found->service);
  plan.connections = kConnections;
  plan.duration = kRound;
  // The patience stays at ten seconds unless a check sets it: replies that a stop of the server delays must be waited
  // for.
  plan.interrupted = &Interruption::flag();
  if (absl::Status status = found->prepare(options, plan); !status.ok()) return status;
  return plan;
}

double Milliseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

// Runs the plan for twice kStop, and stops the server for kStop in the middle. SIGSTOP is a clean stall: the kernel
// still takes connections and data, and the program does nothing.
absl::StatusOr<LoadTally> RunWithStop(LoadPlan plan, const TrialServer& server) {
  plan.duration = 2 * kStop;
  // The run has a thread of its own, and this one plays the disturbance. Its moment need not be exact, as long as the
  // stop lies within the run.
  std::future<absl::StatusOr<LoadTally>> running = std::async(std::launch::async, [&plan] { return RunLoad(plan); });
  absl::SleepFor(kStop / 2);
  server.Signal(SIGSTOP);
  absl::SleepFor(kStop);
  server.Signal(SIGCONT);
  return running.get();
}

// Half of all requests are due while the server is stopped, at a steady rate: one in twenty of all waits for at least
// nine tenths of the stop. So p99 must be above that, or the generator has not counted the requests that it could not
// send.
absl::StatusOr<SelfCheck> CheckOpenLoop(const TrialServer& server) {
  absl::StatusOr<LoadPlan> plan = PlanFor("echo", server);
  if (!plan.ok()) return plan.status();
  plan->rate = 1000;
  const absl::StatusOr<LoadTally> tally = RunWithStop(*plan, server);
  if (!tally.ok()) return tally.status();
  const double p99 = Milliseconds(tally->response.Quantile(0.99)), stop = absl::ToDoubleMilliseconds(kStop);
  // Far above the stop, something else has stalled the machine, and the figure proves nothing either way.
  const Verdict verdict = p99 < 0.9 * stop ? Verdict::kFailed : p99 > 2 * stop ? Verdict::kTooNoisy : Verdict::kPassed;
  return SelfCheck{"a stop of the server shows in open loop", verdict,
                   absl::StrFormat("stopped for %.0f ms: response time p99 %.0f ms (service time p99 %.1f ms)", stop,
                                   p99, Milliseconds(tally->service.Quantile(0.99)))};
}

// Only the request that each connection had under way waits: 16 among many thousands, which p99 does not show. This is
// the reason for an open loop.
absl::StatusOr<SelfCheck> CheckClosedLoop(const TrialServer& server) {
  const absl::StatusOr<LoadPlan> plan = PlanFor("echo", server);
  if (!plan.ok()) return plan.status();
  const absl::StatusOr<LoadTally> tally = RunWithStop(*plan, server);
  if (!tally.ok()) return tally.status();
  const double p99 = Milliseconds(tally->service.Quantile(0.99)), stop = absl::ToDoubleMilliseconds(kStop);
  const double longest = Milliseconds(tally->service.max());  // The maximum cannot hide: those requests were sent.
  const Verdict verdict = longest < 0.9 * stop ? Verdict::kFailed
                          : p99 > stop / 4     ? Verdict::kTooNoisy
                                               : Verdict::kPassed;
  return SelfCheck{"closed loop hides it but for the maximum", verdict,
                   absl::StrFormat("stopped for %.0f ms: service time p99 %.1f ms, max %.0f ms", stop, p99, longest)};
}

// Parses "Requests/sec:  1234.5" (wrk) or "finished in 1.00s, 1234.50 req/s" (h2load).
std::optional<double> RateIn(const std::string& output) {
  double rate = 0;
  if (const size_t at = output.find("Requests/sec:"); at != std::string::npos) {
    const size_t begin = at + sizeof("Requests/sec:") - 1;
    if (absl::SimpleAtod(output.substr(begin, output.find('\n', begin) - begin), &rate)) return rate;
  }
  if (const size_t end = output.find(" req/s"); end != std::string::npos) {
    // npos + 1 is 0: the number may begin the output.
    const size_t begin = output.rfind(' ', end - 1) + 1;
    if (absl::SimpleAtod(output.substr(begin, end - begin), &rate)) return rate;
  }
  return std::nullopt;
}

// The page of a directory costs the server more than any client, so that every tool measures the server's limit. In
// turn, so that a machine that becomes slower does so for both.
absl::StatusOr<SelfCheck> CheckAgainst(const std::vector<std::string>& command, const TrialServer& server) {
  const std::string& tool = command.front();
  const absl::StatusOr<LoadPlan> plan = PlanFor("http", server);
  if (!plan.ok()) return plan.status();
  fprintf(stderr, "starting %s, %d times\n", absl::StrJoin(command, " ").c_str(), kRounds);
  std::vector<double> own, others;
  for (int round = 0; round < kRounds; ++round) {
    const absl::StatusOr<LoadTally> tally = RunLoad(*plan);
    if (!tally.ok()) return tally.status();
    own.push_back(static_cast<double>(tally->replies) / tally->seconds);
    absl::StatusOr<Child> child = Child::Start(command);
    if (!child.ok()) return child.status();
    // The tools run for a round, and print when they are done; the rest is for a machine that is busy.
    const int status = child->Finish(20 * kRound);
    if (status == 127) return SelfCheck{absl::StrCat(tool, " agrees"), Verdict::kSkipped, "it is not installed"};
    const std::optional<double> rate = RateIn(child->output());
    if (status != 0 || !rate.has_value()) {
      return SelfCheck{absl::StrCat(tool, " agrees"), Verdict::kFailed, "it does not say how many requests it made"};
    }
    others.push_back(*rate);
  }
  return CompareRates(tool, own, others);
}

// Passed if the run has faults, the first of which is shown: a generator that overlooks a fault would praise a broken
// server.
absl::StatusOr<SelfCheck> ExpectFaults(std::string name, const LoadPlan& plan, const absl::StatusOr<LoadTally>& tally) {
  if (!tally.ok()) return tally.status();
  const std::vector<std::string> faults = FaultsOf(plan, *tally);
  if (faults.empty()) return SelfCheck{std::move(name), Verdict::kFailed, "the run had no fault"};
  return SelfCheck{std::move(name), Verdict::kPassed, absl::StrCat("it says: ", faults.front())};
}

// In mid-run the server begins to send other content of the same length, so that only a comparison of the bytes
// notices.
absl::StatusOr<SelfCheck> CheckWrongContent(const TrialServer& server, const TrialLibrary& library) {
  WorkloadOptions options;
  options.name = std::string(TrialLibrary::kName);
  const absl::StatusOr<LoadPlan> plan = PlanFor("http", server, options);
  if (!plan.ok()) return plan.status();
  std::future<absl::StatusOr<LoadTally>> running = std::async(std::launch::async, [&plan] { return RunLoad(*plan); });
  absl::SleepFor(kRound / 2);
  std::string other(TrialLibrary::kContent);
  other.back() = '!';
  library.Replace(other);
  const absl::StatusOr<LoadTally> tally = running.get();
  // As it was, for the checks that follow.
  library.Replace(TrialLibrary::kContent);
  return ExpectFaults("one byte that is wrong fails the run", *plan, tally);
}

// The sum of the primes below a million takes the server's one thread far more than the millisecond that this rate
// allows.
absl::StatusOr<SelfCheck> CheckRate(const TrialServer& server) {
  WorkloadOptions options;
  options.primes = 1'000'000;
  absl::StatusOr<LoadPlan> plan = PlanFor("compute", server, options);
  if (!plan.ok()) return plan.status();
  plan->rate = 1000;
  plan->patience = kRound;
  return ExpectFaults("a rate that is not reached fails the run", *plan, RunLoad(*plan));
}

// The model `loop` serves one client at a time. The kernel accepts the other connections for it, so connecting
// succeeds, and only the missing replies show that they are not served.
absl::StatusOr<SelfCheck> CheckConnections(const TrialServer& loop) {
  absl::StatusOr<LoadPlan> plan = PlanFor("echo", loop);
  if (!plan.ok()) return plan.status();
  plan->patience = kRound;
  return ExpectFaults("connections that are not served fail the run", *plan, RunLoad(*plan));
}

}  // namespace

absl::StatusOr<std::vector<SelfCheck>> RunSelfTest(const std::string& server_program) {
  const absl::StatusOr<TrialLibrary> library = TrialLibrary::Make();
  if (!library.ok()) return library.status();
  // The threads and programs that this thread starts inherit its processors.
  const Processors processors = ShareProcessors();
  if (processors.clients.has_value()) ::sched_setaffinity(0, sizeof(cpu_set_t), &*processors.clients);
  const absl::StatusOr<TrialServer> server = TrialServer::Start(server_program, "epoll", *library, processors.server);
  if (!server.ok()) return server.status();
  const absl::StatusOr<TrialServer> loop = TrialServer::Start(server_program, "loop", *library, processors.server);
  if (!loop.ok()) return loop.status();
  const std::string url = absl::StrCat("http://", server->address("http").ToString(), "/");
  const std::string connections = absl::StrCat(kConnections), seconds = absl::StrCat(absl::ToInt64Seconds(kRound));
  // The two servers are idle except in their own checks, so one processor does for both.
  const std::vector<std::function<absl::StatusOr<SelfCheck>()>> all = {
      [&] { return CheckOpenLoop(*server); },
      [&] { return CheckClosedLoop(*server); },
      [&] {
        return CheckAgainst({"wrk", "-t1", "-c" + connections, "-d" + seconds, url}, *server);
      },
      [&] {
        return CheckAgainst({"h2load", "--h1", "-t1", "-c" + connections, "-D" + seconds, url}, *server);
      },
      [&] { return CheckWrongContent(*server, *library); },
      [&] { return CheckRate(*server); },
      [&] { return CheckConnections(*loop); }};
  std::vector<SelfCheck> checks;
  for (const auto& run : all) {
    absl::StatusOr<SelfCheck> check = run();
    if (Interruption::flag()) break;  // What was cut short says nothing.
    if (!check.ok()) return check.status();
    checks.push_back(*std::move(check));
  }
  return checks;
}

}  // namespace polyserve
