#include "client/load/selftest_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// A server is ready in milliseconds; this is for a machine that is very busy.
constexpr absl::Duration kPatience = absl::Seconds(20);
// Enough for the page of the directory to cost the server more than any client.
constexpr int kFiles = 30;

}  // namespace

absl::StatusOr<TrialLibrary> TrialLibrary::Make() {
  std::error_code error;
  std::string path = absl::StrCat(std::filesystem::temp_directory_path(error).string(), "/polyserve-self-test-XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) return absl::UnavailableError(SysError("mkdtemp", path).message());
  TrialLibrary library(path);
  for (int i = 0; i < kFiles; ++i) std::ofstream(absl::StrCat(path, "/file ", i)) << i;
  library.Replace(kContent);  // The page that is requested; the others only make the directory's page long.
  return library;
}

TrialLibrary::TrialLibrary(TrialLibrary&& other) noexcept : path_(std::exchange(other.path_, "")) {}

TrialLibrary::~TrialLibrary() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

// Hidden until it is renamed, so that the directory's page never lists it.
void TrialLibrary::Replace(absl::string_view content) const {
  const std::string fresh = absl::StrCat(path_, "/.fresh");
  std::ofstream(fresh) << content;
  std::error_code ignored;
  std::filesystem::rename(fresh, absl::StrCat(path_, "/", kName), ignored);
}

// Checks the program first: a child that cannot execute it would only show as a server that does not become ready.
absl::StatusOr<TrialServer> TrialServer::Start(const std::string& program, absl::string_view model,
                                               const TrialLibrary& library,
                                               const std::optional<cpu_set_t>& processors) {
  if (::access(program.c_str(), X_OK) != 0) return absl::NotFoundError(SysError("--server_program", program).message());
  const std::vector<std::string> command = {program, absl::StrCat("--model=", model),
                                            absl::StrCat("--root=", library.path()),
                                            // Free ports, so that the test runs beside a server on the usual ones, and
                                            // beside itself.
                                            "--listen=echo://127.0.0.1:0,http://127.0.0.1:0,compute://127.0.0.1:0"};
  fprintf(stderr, "starting %s\n", absl::StrJoin(command, " ").c_str());
  absl::StatusOr<Child> child = Child::Start(command, processors);
  if (!child.ok()) return child.status();
  // The addresses come before that line, in the same write (announce.cc): so they are known from here on.
  if (absl::Status status = child->AwaitOutput("\nready ", kPatience); !status.ok()) {
    return absl::UnavailableError(absl::StrCat(program, " does not get ready: ", status.message()));
  }
  return TrialServer(*std::move(child));
}

// The server prints a line for each listener: "listening echo tcp 127.0.0.1:34567".
Endpoint TrialServer::address(absl::string_view service) const {
  for (const absl::string_view line : absl::StrSplit(child_.output(), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() == 4 && words[0] == "listening" && words[1] == service) {
      return Endpoint::Parse(words[3]).value_or(Endpoint());
    }
  }
  // Not announced: connecting to this address fails, and the check reports it.
  return Endpoint();
}

void TrialServer::Signal(int signal) const { ::kill(child_.pid(), signal); }

}  // namespace polyserve
