// The server program: reads the command line, and serves. What the flags mean is in server_config.cc, what they become
// in wiring.cc.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/logging.h"
#include "net/process.h"
#include "server_config.h"
#include "wiring.h"

namespace polyserve {

namespace {

constexpr int kUsageError = 2;

int Fail(const absl::Status& error) {
  fprintf(stderr, "server: %s\n", std::string(error.message()).c_str());
  return kUsageError;
}

int Run(int argc, char** argv) {
  Process::SetCommandLine(argc, argv);
  if (absl::Status status = ParseServerFlags(argc, argv); !status.ok()) return Fail(status);
  if (AnswerQuestions()) return 0;
  const absl::StatusOr<ServerConfig> config = ConfigFromFlags();
  if (!config.ok()) return Fail(config.status());
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Create(*config);
  if (!server.ok()) return Fail(server.status());
  // An image serves what it is handed, and is not the one to bind or to say so.
  const absl::Status opened = Process::IsImage() ? absl::OkStatus() : (*server)->Open();
  if (!opened.ok()) return Fail(opened);
  return (*server)->Serve().ok() ? 0 : 1;
}

// Where the server was started with standard descriptors closed, their numbers must not fall to sockets and files: what
// is written to standard output would land in them.
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
