// TrialServer: the server that the self-test starts, with a small library (TrialLibrary) in a temporary directory. Both
// are removed when the objects are destroyed; destroy the server first. Threads: one at a time.
//
//   const absl::StatusOr<TrialLibrary> library = TrialLibrary::Make();
//   const absl::StatusOr<TrialServer> server = TrialServer::Start(program, "epoll", *library, std::nullopt);
//   plan.to = server->address("http");
#ifndef POLYSERVE_CLIENT_LOAD_SELFTEST_SERVER_H_
#define POLYSERVE_CLIENT_LOAD_SELFTEST_SERVER_H_

#include <sched.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/load/child.h"
#include "net/endpoint.h"

namespace polyserve {

// A temporary directory with the file kName.
class TrialLibrary {
 public:
  // The file and its content, until Replace().
  static constexpr absl::string_view kName = "page";
  static constexpr absl::string_view kContent = "as it should be";

  // Returns Unavailable if the directory cannot be made.
  static absl::StatusOr<TrialLibrary> Make();
  ~TrialLibrary();
  TrialLibrary(TrialLibrary&& other) noexcept;
  TrialLibrary& operator=(TrialLibrary&&) = delete;

  const std::string& path() const { return path_; }
  // Replaces the content of the file, so that a running server sends something unexpected. Atomic, by a rename: a reply
  // has one content or the other, never a mixture or an empty file.
  void Replace(absl::string_view content) const;

 private:
  explicit TrialLibrary(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// It listens on free ports of 127.0.0.1, with the services echo, http and compute. The program is killed when the
// object is destroyed, and when the load generator dies: it never asks for an orderly stop, which is the business of
// the server's own tests.
class TrialServer {
 public:
  // Starts `program` on these processors, by default on all, and says so on standard error; blocks until it is ready.
  // Errors: NotFound (there is no such program), Unavailable (it does not become ready).
  static absl::StatusOr<TrialServer> Start(const std::string& program, absl::string_view model,
                                           const TrialLibrary& library, const std::optional<cpu_set_t>& processors);

  // The address of a service: "echo", "http" or "compute". Known from the server's output, since it chooses the ports.
  Endpoint address(absl::string_view service) const;
  // Sends a signal, such as SIGSTOP, to the server's own process. Does not wait for its effect.
  void Signal(int signal) const;

 private:
  explicit TrialServer(Child child) : child_(std::move(child)) {}

  Child child_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELFTEST_SERVER_H_
