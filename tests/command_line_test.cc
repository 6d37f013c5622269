// What the server says to a wrong command line: one line that helps, on standard error, and exit status 2; nothing is
// half started. And the help texts, and the announcement that it is ready.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/other_names.h"
#include "backends/registry.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/eventually.h"
#include "tests/program_path.h"
#include "tests/refuse_call.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

// Expects that the server refuses these flags with one line that holds `hint`.
void ExpectRefused(const std::vector<std::string>& flags, absl::string_view hint) {
  const ServerRun run = RunServer(flags);
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.output, "");
  EXPECT_TRUE(absl::StartsWith(run.log, "server: ")) << run.log;
  EXPECT_EQ(run.log.find('\n') + 1, run.log.size()) << run.log;
  EXPECT_TRUE(absl::StrContains(run.log, hint)) << run.log << "does not say: " << hint;
}

TEST(CommandLineTest, UnknownFlagIsRefusedAndTheNearestIsNamed) {
  ExpectRefused({"--modle=epoll"}, "--model");
  ExpectRefused({"--nothing_like_it=1"}, "--nothing_like_it");
}

TEST(CommandLineTest, ArgumentThatIsNoFlagIsRefused) { ExpectRefused({"epoll"}, "'epoll'"); }

TEST(CommandLineTest, ValueThatDoesNotFitIsRefused) {
  ExpectRefused({"--max_file_bytes=much"}, "--max_file_bytes");
  ExpectRefused({"--drain_timeout=soon"}, "--drain_timeout");
  ExpectRefused({"--stop_grace=-1s"}, "--stop_grace");
  ExpectRefused({"--stop_notice=soon"}, "--stop_notice");
  ExpectRefused({"--proxy_protocol_from=10.0.0.1/24"}, "--proxy_protocol_from");
  ExpectRefused({"--proxy_protocol_from=balancer"}, "--proxy_protocol_from");
  ExpectRefused({"--idle_timeout=-1s"}, "--idle_timeout");
  ExpectRefused({"--allowed_hosts=example.org:80"}, "--allowed_hosts");
  ExpectRefused({"--allowed_hosts=a,http://b"}, "--allowed_hosts");
  ExpectRefused({"--idle_timeout=0"}, "--idle_timeout");
  ExpectRefused({"--min_rate=-1"}, "--min_rate");
  ExpectRefused({"--min_rate_window=0"}, "--min_rate_window");
  ExpectRefused({"--max_connections=-1"}, "--max_connections=-1");
  ExpectRefused({"--max_connections=1", "--overload=drop"}, "wait, refuse, newest, deadline");
  ExpectRefused({"--room_history=1001"}, "--room_history");
  ExpectRefused({"--room=http://:secret@127.0.0.1"}, "--room: the scheme is not redis");
  ExpectRefused({"--room=redis://127.0.0.1/0", "--room_expiry=1ms"}, "--room_expiry=1ms is not from 1s");
  ExpectRefused({"--room=redis://127.0.0.1/0", "--room_timeout=2m"}, "--room_timeout=2m is not from 1ms");
  ExpectRefused({"--room=redis://127.0.0.1/0", "--room_ca=/dev/null"}, "rediss://");
  ExpectRefused({"--room=rediss://127.0.0.1/0", "--room_ca=/dev/null"}, "--room_ca: /dev/null");
  ExpectRefused({"--room_expiry=5s"}, "--room=redis://HOST:PORT/DB");
  ExpectRefused({"--listen=echo://127.0.0.1:0", "--room=redis://127.0.0.1/0"}, "--listen has neither");
  ExpectRefused({"--tftp_overwrite"}, "--tftp_writes");
  ExpectRefused({"--auth_failures=5"}, "--auth_file=FILE");
  ExpectRefused({"--admin_from=localhost"}, "--admin_from: 'localhost'");
  ExpectRefused({"--tftp_writes", "--read_only"}, "--read_only");
  ExpectRefused({"--relay_to=127.0.0.1"}, "--relay_to: '127.0.0.1'");
  ExpectRefused({"--relay_to=127.0.0.1:1,127.0.0.1:0"}, "--relay_to: no server listens at port 0");
  ExpectRefused({"--relay_timeout=1s"}, "--relay_to=HOST:PORT");
  ExpectRefused({"--relay_to=127.0.0.1:1", "--relay_timeout=0"}, "--relay_timeout is below 1ms");
  ExpectRefused({"--request_timeout=0"}, "--request_timeout");
  ExpectRefused({"--durability=maybe"}, "--durability=maybe is not one of none, fsync");
  ExpectRefused({"--listen_backlog=0"}, "--listen_backlog=0 is not from 1 to 65535");
  ExpectRefused({"--socket_buffer=100"}, "--socket_buffer=100 is not from 2048");
  ExpectRefused({"--model=poll", "--accept_batch=0"}, "--accept_batch=0 is not from 1");
  ExpectRefused({"--model=epoll", "--workers=2", "--accept_batch=8"}, "--accept=reuseport");
  ExpectRefused({"--model=epoll", "--busy_poll=-1"}, "--busy_poll=-1 is not from 0 to 1000000");
  ExpectRefused({"--model=fiber", "--busy_poll=1000001"}, "--busy_poll=1000001 is not from 0 to 1000000");
  ExpectRefused({"--model=poll", "--busy_poll=50"}, "--busy_poll");
  ExpectRefused({"--model=uring", "--sqpoll=5m"}, "--sqpoll has to be from 1ms to 1m");
  ExpectRefused({"--model=uring", "--sqpoll=10ms", "--defer_taskrun"}, "leave out either");
  ExpectRefused({"--model=epoll", "--zerocopy"}, "--zerocopy");
  ExpectRefused({"--access_log=/no/such/directory/log"}, "--access_log");
  ExpectRefused({"--log_level=debug"}, "--log_level=debug is not one of info, warning, error");
  ExpectRefused({"--log_format=xml"}, "--log_format=xml is not one of text, json");
  ExpectRefused({"--log_format=json", "--root=/no/such/directory"}, "--root");  // In words all the same.
}

TEST(CommandLineTest, OverloadThatMeansNothingIsRefused) {
  ExpectRefused({"--model=thread", "--overload=refuse"}, "--max_connections=N");
  ExpectRefused({"--model=thread", "--overload=newest"}, "thread has none");
  ExpectRefused({"--model=fork", "--max_connections=5", "--overload=deadline"}, "fork has none");
  ExpectRefused({"--model=staged", "--overload=refuse", "--overload_queue=5"}, "staged has none");
  ExpectRefused({"--model=sigio", "--overload=newest"}, "sigio has none");
  ExpectRefused({"--model=epoll", "--offload=2", "--overload=newest"}, "epoll has none");
  ExpectRefused({"--model=threadpool", "--accept=shared", "--overload=newest"}, "--accept=pass");
  ExpectRefused({"--model=hybrid", "--serve=events", "--overload=newest"}, "hybrid has none");
  ExpectRefused({"--overload_queue=5"}, "--overload_queue goes with");
  ExpectRefused({"--overload=newest", "--overload_queue=-1"}, "--overload_queue=-1 is not from 0");
  ExpectRefused({"--overload=newest", "--overload_target=1ms"}, "--overload=deadline");
  ExpectRefused({"--overload=deadline", "--overload_target=0"}, "--overload_target");
  ExpectRefused({"--overload=deadline", "--overload_interval=inf"}, "--overload_interval");
  ExpectRefused({"--overload=deadline", "--overload_target=1s"}, "--overload_interval=100ms");
}

TEST(CommandLineTest, NameThatCannotBeTheAdministratorsIsRefused) {
  for (const char* name : {"", "a b", "\xff", "\x1b[31m"})
    ExpectRefused({absl::StrCat("--admin_name=", name)}, "--admin_name");
}

TEST(CommandLineTest, FaultyAuthFileIsRefusedWithItsLine) {
  const Scratch root;
  const Scratch users;
  const std::string serve = absl::StrCat("--root=", root.path());
  ExpectRefused({serve, "--auth_file=/none"}, "--auth_file: cannot open /none");
  users.Write("users", "*::read\nada:secret:read\n");
  ExpectRefused({serve, absl::StrCat("--auth_file=", users.PathOf("users"))}, "users, line 2: ");
  root.Write(".users", "*::read\n");
  ExpectRefused({serve, absl::StrCat("--auth_file=", root.PathOf(".users"))}, "beneath --root");
}

TEST(CommandLineTest, CheckFindsWhatAStartWouldRefuse) {
  const Scratch root;
  const std::string serve = absl::StrCat("--root=", root.path());
  ExpectRefused({"--check", "--root=/no/such/directory"}, "--root");
  ExpectRefused({"--check", serve, "--model=fork", "--trigger=edge"}, "--trigger");
  ExpectRefused({"--check", serve, "--access_log=/no/such/directory/log"}, "--access_log");
  ExpectRefused({"--check", serve, "--listen=http+tls://127.0.0.1:0", "--tls_cert=/no/such/file"}, "/no/such/file");
  ExpectRefused({"--check", serve, "--auth_file=/none"}, "--auth_file");
}

TEST(CommandLineTest, CheckOfWhatIsRightSaysSoAndServesAndMakesNothing) {
  const Scratch root;
  const Scratch logs;
  const std::string log = absl::StrCat("--access_log=", logs.PathOf("log"));
  const std::string trace = absl::StrCat("--trace=", logs.PathOf("trace"));
  const ServerRun run = RunServer({"--check", absl::StrCat("--root=", root.path()), log, trace});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.output, "server: flags, certificates and files are right\n");
  EXPECT_EQ(run.log, "");
  EXPECT_TRUE(logs.Names().empty());
  logs.Write("log", "what was logged before\n");
  EXPECT_EQ(RunServer({"--check", absl::StrCat("--root=", root.path()), log}).exit_status, 0);
  EXPECT_EQ(logs.Read("log"), "what was logged before\n");
}

TEST(CommandLineTest, CheckDoesNotMindThatAServerHasThePorts) {
  const Scratch root;
  const std::string serve = absl::StrCat("--root=", root.path());
  const ServerProcess server({.flags = {serve, "--listen=echo://127.0.0.1:0"}});
  const std::string listen = absl::StrCat("--listen=echo://", server.address("echo"));
  EXPECT_EQ(RunServer({serve, listen, "--check"}).exit_status, 0);
  ExpectRefused({serve, listen}, "--listen: bind");
}

TEST(CommandLineTest, UserAndRootThatAreNotThereAreRefused) {
  ExpectRefused({"--user=no-such-user"}, "--user=no-such-user: there is no such user");
  ExpectRefused({"--user=nobody", "--group=no-such-group"}, "--group=no-such-group: there is no such group");
  ExpectRefused({"--group=nogroup"}, "--user=NAME");
  ExpectRefused({"--chroot=/no/such/directory"}, "--chroot=/no/such/directory: ");
}

TEST(CommandLineTest, PathsOfFlagsAreBeneathTheNewRoot) {
  if (kSanitized) GTEST_SKIP() << "LeakSanitizer needs /proc, which the new root hides";
  if (::geteuid() != 0) GTEST_SKIP() << "only root can do that";
  const Scratch root;
  root.MakeDirectory("served");
  const std::string chroot = absl::StrCat("--chroot=", root.path());
  EXPECT_EQ(RunServer({"--check", "--model=thread", chroot, "--root=/served"}).exit_status, 0);
  ExpectRefused({"--model=thread", chroot, absl::StrCat("--root=", root.path())}, "--root");
  ServerProcess server({.flags = {"--model=thread", "--listen=echo://127.0.0.1:0", chroot, "--root=/served"}});
  EXPECT_TRUE(server.ready());
  server.Signal(SIGUSR2);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(server.log(), "no upgrade: --chroot hides the program"); }));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.AwaitExit(), 0);
}

TEST(CommandLineTest, SandboxThatTheSystemLacksIsRefused) {
  ExpectRefused({"--sandbox=half"}, "--sandbox=half is not one of off, on");
  const std::vector<std::string> flags = {"--model=thread", "--listen=echo://127.0.0.1:0", "--sandbox=on"};
  ServerProcess without_files({.flags = flags, .before_exec = [] { RefuseCall(SYS_landlock_create_ruleset, ENOSYS); }});
  EXPECT_EQ(without_files.AwaitExit(), 2);
  EXPECT_TRUE(absl::StartsWith(without_files.log(), "server: --sandbox=on: this system has no Landlock"));
  ServerProcess without_calls({.flags = flags, .before_exec = [] { RefuseCall(SYS_seccomp, EPERM); }});
  EXPECT_EQ(without_calls.AwaitExit(), 2);
  EXPECT_TRUE(absl::StartsWith(without_calls.log(), "server: --sandbox=on: this system does not let a process filter"));
}

// Each of these would let a client run a program that the operator did not mean, or in a way that does not hold.
TEST(CommandLineTest, ProgramsAreRefusedUnlessTheyAreAllowedAndThere) {
  const std::string cat = "--listen=exec:/bin/cat://127.0.0.1:0";
  ExpectRefused({cat}, "--allow_exec");
  ExpectRefused({"--listen=exec:/no/such/program://127.0.0.1:0", "--allow_exec"}, "/no/such/program: No such file");
  ExpectRefused({"--listen=exec:/etc/passwd://127.0.0.1:0", "--allow_exec"}, "/etc/passwd: Permission denied");
  ExpectRefused({"--check", "--listen=exec:/no/such/program://127.0.0.1:0", "--allow_exec"}, "/no/such/program");
  ExpectRefused({"--listen=exec:cat://127.0.0.1:0", "--allow_exec"}, "the path of a program");
  ExpectRefused({cat, "--allow_exec", "--sandbox=on"}, "--sandbox=on");
  ExpectRefused({cat, "--allow_exec", "--inetd"}, "--inetd");
  ExpectRefused({cat, "--allow_exec", "--exec_max=0"}, "--exec_max");
  ExpectRefused({cat, "--allow_exec", "--exec_kill_after=inf"}, "--exec_kill_after");
  ExpectRefused({"--listen=echo://127.0.0.1:0", "--exec_max=2"}, "--exec_max is for exec");
}

TEST(CommandLineTest, UnknownModelIsRefused) { ExpectRefused({"--model=none"}, "--model=help"); }

TEST(CommandLineTest, NameFromElsewhereIsAnsweredWithTheCommandLineThatItIsHere) {
  ExpectRefused({"--model=proactor"}, "here that is --model=uring");
  ExpectRefused({"--model=Leader/Followers"}, "here that is --model=leader");
  ExpectRefused({"--model=apache-worker"}, "here that is --model=hybrid");
  ExpectRefused({"--model=Event MPM"}, "here that is --model=hybrid --serve=events");
  ExpectRefused({"--model=goroutines"}, "the nearest is --model=stealing");
}

TEST(CommandLineTest, CommandLineOfEachNameFromElsewhereStarts) {
  std::set<std::string> started;
  for (const OtherName& other : AllOtherNames()) {
    EXPECT_EQ(FindModel(other.name), nullptr) << other.name << " is a name of ours";
    if (!started.insert(other.flags).second) continue;
    std::vector<std::string> flags = absl::StrSplit(other.flags, ' ');
    flags.emplace_back("--listen=echo://127.0.0.1:0");
    ServerProcess server({.flags = flags});
    if (!server.ready()) {
      EXPECT_EQ(server.AwaitExit(), 2);
      EXPECT_TRUE(absl::StrContains(server.log(), "io_uring")) << other.flags << ": " << server.log();
    }
  }
}

TEST(CommandLineTest, PageOfTheModelsHasTheNamesFromElsewhere) {
  std::ifstream file("docs/models.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const OtherName& other : AllOtherNames()) {
    const std::string row = absl::StrCat("\n| `", other.name, "` | ", other.where, " | ",
                                         other.fit == Fit::kSame ? "" : "nearest: ", "`", other.flags, "` |\n");
    EXPECT_TRUE(absl::StrContains(page.str(), row)) << row;
  }
}

TEST(CommandLineTest, FlagOfAnotherModelIsRefused) {
  ExpectRefused({"--model=thread", "--reap=ignore"}, "--reap");
  ExpectRefused({"--model=fork", "--start_method=spawn"}, "--start_method");
  ExpectRefused({"--model=fork", "--trigger=edge"}, "--trigger");
  ExpectRefused({"--model=sigio", "--trigger=level"}, "--trigger");
  ExpectRefused({"--model=epoll", "--method=epoll"}, "--method");
  ExpectRefused({"--model=uring", "--accept_batch=8"}, "--accept_batch");
  ExpectRefused({"--model=fork", "--reap=ignore", "--max_connections=9"}, "--reap=wait");
}

TEST(CommandLineTest, ValueThatTheModelDoesNotHaveIsRefused) {
  ExpectRefused({"--model=poll", "--trigger=edge"}, "--trigger=level");
  ExpectRefused({"--model=select", "--trigger=edge"}, "--trigger=level");
  ExpectRefused({"--model=epoll", "--trigger=both"}, "level, edge");
  ExpectRefused({"--model=leader", "--handles=both"}, "shared, bound");
  ExpectRefused({"--model=halfsync", "--workers=0"}, "--workers");
  ExpectRefused({"--model=stealing", "--steal=all"}, "half, one, none");
  ExpectRefused({"--model=staged", "--stage_threads=0"}, "--stage_threads");
  ExpectRefused({"--model=staged", "--admission=0"}, "--admission");
  ExpectRefused({"--model=fiber", "--fiber_stack=1000"}, "--fiber_stack=1000 is not from");
  ExpectRefused({"--model=hybrid", "--serve=files"}, "threads, events");
  ExpectRefused({"--model=hybrid", "--threads=0"}, "--threads=0");
  ExpectRefused({"--model=hybrid", "--workers=64", "--threads=17"}, "1024 threads");
  ExpectRefused({"--model=hybrid", "--serve=events", "--workers=64", "--threads=16"}, "1024 threads and loops");
  ExpectRefused({"--model=hybrid", "--serve=events", "--accept=lock"}, "use shared, pass, reuseport or bpf");
  ExpectRefused({"--model=libevent", "--method=kqueue"}, "select, poll, epoll");
  ExpectRefused({"--model=libevent", "--method=poll", "--trigger=edge"}, "--trigger=level");
  ExpectRefused({"--model=fork", "--reap=never"}, "ignore, wait, double_fork");
  ExpectRefused({"--model=multiprocess", "--start_method=clone"}, "fork, spawn, forkserver");
}

TEST(CommandLineTest, InetdWithoutOneServiceIsRefused) {
  ExpectRefused({"--inetd"}, "--listen=http://127.0.0.1:80");
  ExpectRefused({"--inetd", "--listen=echo://127.0.0.1:1,file://127.0.0.1:2"}, "--inetd serves one socket");
}

TEST(CommandLineTest, BadAddressIsRefused) {
  ExpectRefused({"--listen=8080"}, "SERVICE://HOST:PORT");
  ExpectRefused({"--listen=gopher://127.0.0.1:0"}, "there is no service 'gopher'");
  ExpectRefused({"--listen=file+udp://127.0.0.1:0"}, "echo+udp");
  ExpectRefused({"--listen=echo://127.0.0.1"}, "the port is missing");
  ExpectRefused({"--listen=echo://127.0.0.1:65536"}, "from 0 to 65535");
  ExpectRefused({"--listen=echo://::1:80"}, "brackets");
  ExpectRefused({"--listen=echo://:80"}, "the host is missing");
}

TEST(CommandLineTest, TlsWithoutWhatItNeedsIsRefused) {
  const std::string listen = "--listen=http+tls://127.0.0.1:0";
  const Scratch scratch;
  const TestCertificate made = MakeTestCertificate("localhost");
  scratch.Write("cert", made.certificate);
  scratch.Write("key", made.key);
  scratch.Write("other", MakeTestCertificate("localhost").key);
  const std::string cert = absl::StrCat("--tls_cert=", scratch.PathOf("cert"));
  ExpectRefused({listen}, "--tls_cert=FILE");
  ExpectRefused({listen, "--tls_cert=/no/such/file"}, "/no/such/file");
  ExpectRefused({listen, cert}, "no private key");
  ExpectRefused({listen, cert, absl::StrCat("--tls_key=", scratch.PathOf("other"))}, "not that of the certificate");
  ExpectRefused({listen, cert, "--tls_key=a,b"}, "one key for each certificate");
  ExpectRefused({listen, cert, absl::StrCat("--tls_key=", scratch.PathOf("key")), "--tls_client_ca=/no/such/file"},
                "/no/such/file");
  ExpectRefused({listen, cert, "--tls_client_cert=optional"}, "--tls_client_ca=FILE");
  ExpectRefused({listen, cert, "--tls_client_cert=maybe"}, "require, optional");
  ExpectRefused({"--listen=http://127.0.0.1:0", cert}, "are for services with +tls");
  ExpectRefused({"--listen=tftp+tls://127.0.0.1:0", cert}, "there is no service 'tftp+tls'");
  ExpectRefused({"--listen=echo+udp+tls://127.0.0.1:0", cert}, "there is no service 'echo+udp+tls'");
}

TEST(CommandLineTest, MissingRootIsRefused) {
  const Scratch scratch;
  ExpectRefused({absl::StrCat("--root=", scratch.PathOf("none"))}, "--root");
  scratch.Write("file", "");
  ExpectRefused({absl::StrCat("--root=", scratch.PathOf("file"))}, "--root");
}

TEST(CommandLineTest, PortInUseIsRefused) {
  ServerProcess first({.flags = {"--listen=echo://127.0.0.1:0"}});
  ASSERT_TRUE(first.ready());
  // The first address is free, but nothing is half started.
  ExpectRefused({absl::StrCat("--listen=echo://127.0.0.1:0,echo://", first.address("echo"))}, first.address("echo"));
}

TEST(CommandLineTest, HelpIsPrintedToStandardOutput) {
  const ServerRun run = RunServer({"--help"});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.log, "");
  for (absl::string_view word : {"--model", "--listen", "--root", "--drain_timeout", "--flagfile", "SIGTERM"}) {
    EXPECT_TRUE(absl::StrContains(run.output, word)) << word;
  }
}

TEST(CommandLineTest, HelpFitsAHundredColumnsAndNamesEveryFlagOfEveryModel) {
  const ServerRun run = RunServer({"--help"});
  for (const absl::string_view line : absl::StrSplit(run.output, '\n')) EXPECT_LE(line.size(), 100u) << line;
  for (const Model& model : AllModels()) {
    EXPECT_TRUE(absl::StrContains(run.output, absl::StrCat("\n  ", model.name, " "))) << model.name;
    for (const absl::string_view flag : absl::StrSplit(model.flags, ' ', absl::SkipEmpty())) {
      EXPECT_TRUE(absl::StrContains(run.output, absl::StrCat("\n  --", flag)) ||
                  absl::StrContains(run.output, absl::StrCat("\n  --[no]", flag)))
          << flag;
    }
  }
}

TEST(CommandLineTest, FlagsComeFromAFileAsWell) {
  const Scratch scratch;
  scratch.Write("flags.conf", "# The services.\n\n--listen=echo://127.0.0.1:0\n--model=poll\n");
  ServerProcess server({.flags = {absl::StrCat("--flagfile=", scratch.PathOf("flags.conf")), "--model=select"}});
  ASSERT_TRUE(server.ready());
  EXPECT_FALSE(server.address("echo").empty());
  EXPECT_TRUE(absl::StrContains(server.output(), "ready model=select ")) << "the last one counts: " << server.output();
}

TEST(CommandLineTest, FileWithoutFlagsIsRefused) {
  const Scratch scratch;
  ExpectRefused({absl::StrCat("--flagfile=", scratch.PathOf("none"))}, "--flagfile");
  scratch.Write("flags.conf", "--model=poll\nlisten=echo://127.0.0.1:0\n");
  ExpectRefused({absl::StrCat("--flagfile=", scratch.PathOf("flags.conf"))}, "flags.conf:2");
}

TEST(CommandLineTest, VersionIsPrintedToStandardOutput) {
  const ServerRun run = RunServer({"--version"});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.log, "");
  EXPECT_TRUE(absl::StartsWith(run.output, "polyserve 0.")) << run.output;
  EXPECT_TRUE(absl::StrContains(run.output, "\ncompiler ")) << run.output;
}

TEST(CommandLineTest, HelpOfModelsNamesThemAll) {
  const ServerRun run = RunServer({"--model=help"});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.log, "");
  for (const Model& model : AllModels()) EXPECT_TRUE(absl::StrContains(run.output, model.description)) << model.name;
  EXPECT_TRUE(absl::StrContains(run.output, "\none-loop-per-thread "));
}

TEST(CommandLineTest, AddressesAreAnnouncedBeforeReady) {
  ServerProcess server(
      {.flags = {"--model=poll", "--listen=echo://127.0.0.1:0,compute://[::1]:0,echo+udp://127.0.0.1:0"}});
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(server.output(), absl::StrCat("listening echo tcp ", server.address("echo"), "\nlistening compute tcp ",
                                          server.address("compute"), "\nlistening echo udp ",
                                          server.address("echo+udp"), "\nready model=poll pid=", server.pid(), "\n"));
  EXPECT_TRUE(absl::StartsWith(server.address("compute"), "[::1]:"));
}

TEST(CommandLineTest, TerminalGetsABannerAndCtrlCEndsTheServer) {
  const std::string path = ProgramPath("server");
  int terminal = -1;
  const pid_t server = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (server == 0) {
    ::execl(path.c_str(), path.c_str(), "--model=poll", "--listen=http://127.0.0.1:0", nullptr);
    ::_exit(127);
  }
  ASSERT_GT(server, 0);
  const UniqueFd owner(terminal);
  std::string shown;
  pollfd waiting = {terminal, POLLIN, 0};
  while (!absl::StrContains(shown, "Stop: ") &&
         ::poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) == 1) {
    char piece[4096];
    const ssize_t count = ::read(terminal, piece, sizeof(piece));
    if (count <= 0) break;
    shown.append(piece, static_cast<size_t>(count));
  }
  for (absl::string_view words : {"model poll: ", "Browser: http://127.0.0.1:", "Stop: "}) {
    EXPECT_TRUE(absl::StrContains(shown, words)) << shown << "does not say: " << words;
  }
  EXPECT_FALSE(absl::StrContains(shown, "ready model=")) << shown;
  if (HasFailure()) ::kill(server, SIGKILL);
  EXPECT_EQ(::write(terminal, "\x03", 1), 1);
  int status = -1;
  EXPECT_EQ(::waitpid(server, &status, 0), server);
  EXPECT_EQ(status, 0);
}

}  // namespace

}  // namespace polyserve
