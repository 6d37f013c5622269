// TrialServer: a server that the self-test starts for itself, with a small library in a directory of its own.
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

// A directory with some files, removed in the end.
class TrialLibrary {
 public:
  static constexpr absl::string_view kName = "page";
  static constexpr absl::string_view kContent = "as it should be";

  // Unavailable: there is no room for it.
  static absl::StatusOr<TrialLibrary> Make();
  ~TrialLibrary();
  TrialLibrary(TrialLibrary&& other) noexcept;
  TrialLibrary& operator=(TrialLibrary&&) = delete;

  const std::string& path() const { return path_; }
  // Puts this in the place of the file kName.
  void Replace(absl::string_view content) const;

 private:
  explicit TrialLibrary(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

class TrialServer {
 public:
  // Starts `program` on these processors, and says so on standard error. NotFound: there is no such program.
  // Unavailable: it does not get ready.
  static absl::StatusOr<TrialServer> Start(const std::string& program, absl::string_view model,
                                           const TrialLibrary& library, const std::optional<cpu_set_t>& processors);

  // Where it has this service: "echo", "http", "compute".
  Endpoint address(absl::string_view service) const;
  void Signal(int signal) const;

 private:
  explicit TrialServer(Child child) : child_(std::move(child)) {}

  Child child_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SELFTEST_SERVER_H_
