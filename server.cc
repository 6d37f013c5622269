// The server program: reads the command line, and serves. server_config.cc defines what the flags mean, and wiring.cc
// what they become.
//
//   exit status 0   it has stopped when told to, or has answered a question such as --help or --check
//               1   serving has become impossible; the log says why
//               2   it could not start (bad flags, a port in use, a missing directory): one line on standard error
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/server_context.h"
#include "base/command_line.h"
#include "base/logging.h"
#include "gflags/gflags.h"
#include "lifecycle/upgrade.h"
#include "log_options.h"
#include "net/process.h"
#include "net/standard_socket.h"
#include "server_config.h"
#include "trace/trace.h"
#include "wiring.h"

DEFINE_bool(inetd, false,
            "serve the socket that is standard input, as a program that inetd or --model=exec starts: a connection, or "
            "one that clients come to; --listen names the one service, and its address is not bound");
DEFINE_string(
    trace, "",
    "=FILE record in this file what each process and thread does, for tools/xray to draw; to look at a server, not to "
    "measure it");

namespace polyserve {

namespace {

constexpr int kUsageError = 2;

int Fail(const absl::Status& error) {
  fprintf(stderr, "server: %s\n", std::string(error.message()).c_str());
  return kUsageError;
}

// Before there is a child or a thread. A program image goes on with the file of its server.
absl::Status OpenTrace() {
  if (FLAGS_trace.empty()) return absl::OkStatus();
  const absl::Status status = Process::IsImage() ? Trace::Join(FLAGS_trace) : Trace::Open(FLAGS_trace);
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("--trace: ", status.message()));
}

// --check: everything that a start reads is read, and nothing is bound, since a server that runs may have these ports.
int Check(const ServerConfig& config) {
  const absl::Status status = Server::Create(config).status();
  if (!status.ok()) return Fail(status);
  printf("server: flags, certificates and files are right\n");
  return 0;
}

// An image of `exec` has the flags of its server, and is told which of many services is meant.
absl::Status CheckInetd(const ServerConfig& config) {
  if (!config.is_inetd || Process::IsImage()) return absl::OkStatus();
  if (!config.programs.commands.empty()) {
    return absl::InvalidArgumentError("--inetd: what has started this server can start the program of exec itself");
  }
  if (config.listen.size() == 1) return absl::OkStatus();
  return absl::InvalidArgumentError("--inetd serves one socket: name its service: --listen=http://127.0.0.1:80");
}

// With --inetd, the socket that is served. An image may have nothing there: that of a server that inetd has started,
// which has taken the socket, under a model that starts images in another way.
absl::StatusOr<StandardSocket> SocketOf(const ServerConfig& config) {
  if (!config.is_inetd) return StandardSocket();
  absl::StatusOr<StandardSocket> socket = TakeStandardSocket();
  if (Process::IsImage()) return socket.ok() ? *std::move(socket) : StandardSocket();
  if (!socket.ok()) return socket.status();
  const bool is_for_datagrams = config.listen.front().transport == Transport::kDatagrams;
  if (socket->has_datagrams != is_for_datagrams || (is_for_datagrams && socket->is_connection)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--inetd: standard input is a socket of ", socket->has_datagrams ? "UDP" : "TCP",
        ", but --listen has a service of ", is_for_datagrams ? "UDP, which has all peers (inetd's 'wait')" : "TCP"));
  }
  return socket;
}

int Run(int argc, char** argv) {
  Upgrade::SetCommandLine(argc, argv);
  if (absl::Status status = ExpandFlagFiles(argc, argv); !status.ok()) return Fail(status);
  // With the flags of the file, not its name: it may say something else by the time a fresh image starts.
  Process::SetCommandLine(argc, argv);
  if (absl::Status status = ParseServerFlags(argc, argv); !status.ok()) return Fail(status);
  if (AnswerQuestions()) return 0;
  const absl::StatusOr<LogOptions> log_options = LogOptionsFromFlags();
  if (!log_options.ok()) return Fail(log_options.status());
  SetLogOptions(*log_options);
  absl::StatusOr<ServerConfig> config = ConfigFromFlags();
  if (!config.ok()) return Fail(config.status());
  config->trace = FLAGS_trace;
  config->is_inetd = FLAGS_inetd;
  if (absl::Status status = CheckInetd(*config); !status.ok()) return Fail(status);
  if (config->only_checks) return Check(*config);
  absl::StatusOr<StandardSocket> socket = SocketOf(*config);
  if (!socket.ok()) return Fail(socket.status());
  if (absl::Status status = OpenTrace(); !status.ok()) return Fail(status);
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Create(*config, *std::move(socket));
  if (!server.ok()) return Fail(server.status());
  // A program image serves the connection that it inherits: it binds nothing, and its server has announced itself
  // already. While it serves, it stops being marked as one.
  const bool is_image = Process::IsImage();
  const absl::Status opened = is_image ? absl::OkStatus() : (*server)->Open();
  if (!opened.ok()) return Fail(opened);
  const absl::Status served = (*server)->Serve();
  if (!is_image) ReportLeftOutLines();  // An image shares its counts with its server, which goes on.
  return served.ok() ? 0 : 1;
}

// If the server was started with standard descriptors closed, their numbers must not go to sockets and files:
// everything that is written to standard output or standard error would land in those.
void OpenStandardDescriptors() {
  for (int fd = 0; fd <= STDERR_FILENO;) {
    fd = ::open("/dev/null", O_RDWR);
    if (fd < 0) return;
    if (fd > STDERR_FILENO) ::close(fd);
  }
}

}  // namespace

}  // namespace polyserve

int main(int argc, char** argv) {
  polyserve::OpenStandardDescriptors();
  polyserve::InitLogging();
  return polyserve::Run(argc, argv);
}
