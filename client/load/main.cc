// load: sends a server the same requests over and over, as fast as it answers or at a given rate, checks every reply,
// and measures the times. See client/load/plan.h for how it works.
#include <gflags/gflags.h>
#include <signal.h>
#include <stdio.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/build_info.h"
#include "base/command_line.h"
#include "base/descriptor_limit.h"
#include "base/help_text.h"
#include "base/inherited_signals.h"
#include "base/printable.h"
#include "base/take.h"
#include "client/load/agent.h"
#include "client/load/agent_link.h"
#include "client/load/agent_listener.h"
#include "client/load/agent_order.h"
#include "client/load/agent_token.h"
#include "client/load/coordinator.h"
#include "client/load/generator.h"
#include "client/load/interruption.h"
#include "client/load/order_flags.h"
#include "client/load/plan.h"
#include "client/load/plan_flags.h"
#include "client/load/record_files.h"
#include "client/load/report.h"
#include "client/load/self_check.h"
#include "client/load/selftest.h"
#include "client/load/slices.h"
#include "client/load/tally.h"
#include "client/load/workloads.h"

DEFINE_string(agents, "",
              "=AGENT,... run on other hosts, which share the load: HOST:PORT of one that runs load --agent, or "
              "ssh:[USER@]HOST");
DEFINE_string(agent, "", "=HOST:PORT wait here for runs that others order; stdio: for one, as ssh starts it");
DEFINE_string(token_file, "", "=FILE with --agents, --agent: a secret that both have, in its first line");
DEFINE_string(agent_program, "load", "=FILE with --agents=ssh:HOST: the load generator on that host");
DEFINE_bool(self_test, false, "check the load generator's own figures; needs nothing but the program of a server");
DEFINE_string(server_program, "", "=FILE with --self_test: the server's program; by default the one built beside this");
DEFINE_bool(tell_counting, false, "write a line to standard error when counting begins, and when it ends");
DEFINE_string(hgrm, "", "=FILE write the percentiles of the response times as HdrHistogram does, for its plotters");
DEFINE_bool(json, false, "print JSON; times are in nanoseconds");
DEFINE_bool(build_info, false, "print how this program was built");
DECLARE_bool(help);
DECLARE_bool(version);
// Of plan_flags.cc.
DECLARE_bool(slices);
DECLARE_string(rows);

namespace polyserve {

namespace {

constexpr FlagTopic kTopics[] = {
    {"Which requests, and where to",
     "workload server tls_resume name size primes wait wait_times listen_at files seed"},
    {"How many", "connections idle threads depth rate profile arrivals"},
    {"Clients that do not wait for ever", "give_up retry tries"},
    {"How long", "warm_up duration interval"},
    {"Requests of a schedule, and users of a web site", "schedule begin keep_alive think_time"},
    {"A second load beside the first", "beside_server beside_connections beside_name read_rate"},
    {"A load from several hosts", "agents agent token_file agent_program"},
    {"Results, and the program itself",
     "json rows hgrm slices tell_counting self_test server_program build_info version"},
};

// kFaulty: the run is complete, and its report was printed, but a fault in it makes the figures worthless. kNoShare: an
// agent has not done its share of the run, so that there is no report.
enum ExitStatus { kDone = 0, kFaulty = 1, kUsageError = 2, kNoConnection = 3, kNoShare = 4 };

// Prints the error, and returns the exit status for it. The text may contain what a server sent: hence Printable().
int Fail(const absl::Status& error) {
  fprintf(stderr, "load: %s\n", Printable(error.message()).c_str());
  if (absl::IsCancelled(error)) return Interruption::exit_status();
  // The difference is for scripts: trying again may help if there was no connection, and never with wrong options.
  return absl::IsInvalidArgument(error) || absl::IsNotFound(error) ? kUsageError : kNoConnection;
}

void PrintHelp() {
  std::string text =
      "load: sends a server the same requests over and over, checks every reply, and measures the times\n\n"
      "  load --workload=echo --server=127.0.0.1:8082 --connections=64\n"
      "  load --workload=http --server=127.0.0.1:8080 --name=hello.txt --rate=1000\n"
      "  load --workload=http --server=127.0.0.1:8080 --name=hello.txt --rate=0:20000 --rows=curve.csv\n"
      "  load --workload=echo --server=10.0.0.1:8082 --connections=10000 --agents=ssh:10.0.0.2,ssh:10.0.0.3\n";
  absl::StrAppend(&text, DescribeTopics(kTopics), HelpEntry("--help", "print this text"), "\nWorkloads:\n");
  for (const Workload& workload : AllWorkloads()) {
    absl::StrAppend(&text, HelpEntry(workload.name, absl::StrCat("(", workload.service, ") ", workload.description)));
  }
  absl::StrAppend(
      &text, "\n",
      HelpParagraph("Exit status: 0 done; 1 the figures cannot be trusted (the report says why); 2 wrong "
                    "usage; 3 no connection; 4 an agent has not done its share, so that there is no report; 130 "
                    "interrupted (the report is of the time until then)."));
  absl::PrintF("%s", text);
}

// Bazel builds //:server one directory above this.
std::string ServerProgram() {
  if (!FLAGS_server_program.empty()) return FLAGS_server_program;
  std::error_code ignored;
  // Not argv[0], which may be a name that the shell has found in PATH (proc(5), /proc/pid/exe).
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return own.parent_path().parent_path() / "server";
}

// With the handler installed, Ctrl-C ends the run of the check that is in progress, and RunSelfTest() returns those
// before.
int TestSelf() {
  Interruption::Install();
  const absl::StatusOr<std::vector<SelfCheck>> checks = RunSelfTest(ServerProgram());
  if (!checks.ok()) return Fail(checks.status());
  absl::PrintF("%s", FLAGS_json ? SelfChecksAsJson(*checks) : SelfChecksAsText(*checks));
  if (Interruption::flag()) {
    fputs("load: interrupted; these checks were done by then\n", stderr);
    return Interruption::exit_status();
  }
  return AllPassed(*checks) ? kDone : kFaulty;
}

// The report and the files of a run; the exit status.
int Report(const LoadPlan& plan, const LoadTally& tally, RecordFiles& files) {
  const auto report = FLAGS_json ? &ReportAsJson : &ReportAsText;
  absl::PrintF("%s", report(plan, tally));
  if (absl::Status status = files.Write(plan, tally); !status.ok()) return Fail(status);
  // The interruption wins over faults: a run that was cut short may have some for that reason alone.
  if (tally.interrupted) return Interruption::exit_status();
  return FaultsOf(plan, tally).empty() ? kDone : kFaulty;
}

// From here on Ctrl-C ends the run, which is then reported as far as it came.
void ObserveRun(LoadPlan& plan) {
  // Standard error is not buffered, so a program that reads it learns of the moment at once.
  if (FLAGS_tell_counting) plan.on_counting = [](bool begins) { fputs(begins ? "counting\n" : "counted\n", stderr); };
  Interruption::Install();
  plan.interrupted = &Interruption::flag();
  // prepare() made them when the plan had no such flag yet.
  for (LoadPlan& beside : plan.beside) beside.interrupted = plan.interrupted;
}

// That of --token_file. A file that others may read is no error, as elsewhere: on many a machine there is nobody else.
absl::StatusOr<std::string> TakeToken() {
  if (MayAllRead(FLAGS_token_file)) {
    fprintf(stderr, "load: %s can be read by every user of this system; chmod o-r keeps the token from them\n",
            Printable(FLAGS_token_file).c_str());
  }
  return ReadToken(FLAGS_token_file);
}

// With --agent: waits for the orders of others.
int BeAgent() {
  if (absl::Status status = CheckNoFlagsOfARun(); !status.ok()) return Fail(status);
  if (FLAGS_agent == "stdio") return RunAgent();
  const absl::StatusOr<std::string> token = TakeToken();
  if (!token.ok()) return Fail(token.status());
  return Fail(ServeCoordinators(FLAGS_agent, *token));
}

int RunWithAgents(const Workload& workload) {
  const absl::StatusOr<std::vector<std::string>> agents = ParseAgents(FLAGS_agents);
  if (!agents.ok()) return Fail(agents.status());
  const absl::StatusOr<AgentOrder> order = OrderByFlags();
  if (!order.ok()) return Fail(order.status());
  const absl::StatusOr<std::string> token = TakeToken();
  if (!token.ok()) return Fail(token.status());
  absl::StatusOr<LoadPlan> plan = MakePlan(workload, static_cast<int>(agents->size()));
  if (!plan.ok()) return Fail(plan.status());
  ObserveRun(*plan);
  RecordFiles files;
  // As in RunHere(), behind all that: flags that make no sense to an agent, or no server, leave the files as they are.
  const auto open_files = [&files] { return Take(RecordFiles::Open(FLAGS_rows, FLAGS_hgrm), files); };
  const absl::StatusOr<LoadTally> tally =
      RunOnAgents(*agents, {*token, FLAGS_agent_program}, *order, *plan, open_files);
  if (tally.ok()) return Report(*plan, *tally, files);
  const int exit_status = Fail(tally.status());
  return absl::IsFailedPrecondition(tally.status()) ? kNoShare : exit_status;
}

int RunHere(const Workload& workload) {
  if (FLAGS_slices && (!FLAGS_rows.empty() || !FLAGS_hgrm.empty())) {
    return Fail(absl::InvalidArgumentError("--slices reports each slice on standard output: no --rows, --hgrm"));
  }
  absl::StatusOr<LoadPlan> plan = MakePlan(workload);
  if (!plan.ok()) return Fail(plan.status());
  // From here on errors may be the server's: the flags alone were checked above, before anything was sent.
  if (absl::Status status = SetServer(workload, *plan); !status.ok()) return Fail(status);
  RaiseDescriptorLimit();  // Each connection takes a descriptor, and the usual soft limit is 1024.
  if (absl::Status status = PreparePlan(workload, *plan); !status.ok()) return Fail(status);
  // Behind all that: flags that make no sense, or no server, leave the files of an earlier run as they are.
  absl::StatusOr<RecordFiles> files = RecordFiles::Open(FLAGS_rows, FLAGS_hgrm);
  if (!files.ok()) return Fail(files.status());
  ObserveRun(*plan);  // Only now: before this, Ctrl-C ends the program, and there is nothing to report.
  if (FLAGS_slices) {
    // An interruption may come between two slices, when no tally could show it: hence the flag itself.
    const absl::StatusOr<bool> all_good = RunSlices(*std::move(plan), std::cin, std::cout);
    if (!all_good.ok()) return Fail(all_good.status());
    return Interruption::flag() ? Interruption::exit_status() : *all_good ? kDone : kFaulty;
  }
  const absl::StatusOr<LoadTally> tally = RunLoad(*plan);
  // No report without connections: there is nothing to measure, unlike after a fault in the middle of a run.
  return tally.ok() ? Report(*plan, *tally, *files) : Fail(tally.status());
}

int Run(int argc, char** argv) {
  const absl::StatusOr<std::vector<std::string>> others = ParseCommandLine(argc, argv);
  if (!others.ok()) return Fail(others.status());
  if (FLAGS_help) return PrintHelp(), kDone;
  if (FLAGS_version) return absl::PrintF("%s", DescribeVersion()), kDone;
  if (FLAGS_build_info) return absl::PrintF("%s", DescribeBuild()), kDone;
  if (!others->empty()) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("'", others->front(), "' is not a flag; see --help")));
  }
  if (!FLAGS_agent.empty()) return BeAgent();
  if (FLAGS_self_test && FLAGS_agents.empty()) return TestSelf();
  const absl::StatusOr<const Workload*> workload = WorkloadByFlags();
  if (!workload.ok()) return Fail(workload.status());
  return FLAGS_agents.empty() ? RunHere(**workload) : RunWithAgents(**workload);
}

}  // namespace

}  // namespace polyserve

int main(int argc, char** argv) {
  polyserve::StopIgnoring(SIGCHLD);  // If it is ignored, waitpid(2) gets no status of the self-test's children.
  // A parent may have left SIGINT blocked, and Ctrl-C would then do nothing (base/inherited_signals.h).
  polyserve::UnblockAllSignals();
  return polyserve::Run(argc, argv);
}
