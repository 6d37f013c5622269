#include "client/load/order_flags.h"

#include <gflags/gflags.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/command_line.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// `rows` has an agent keep the times of each interval; it writes no file. What is not here stays on the coordinator's
// machine, or is refused.
constexpr const char* kSent[] = {
    "workload", "server",        "tls_resume",         "connections", "idle",     "threads", "depth", "rate",
    "begin",    "keep_alive",    "think_time",         "arrivals",    "give_up",  "retry",   "tries", "seed",
    "warm_up",  "duration",      "interval",           "size",        "name",     "primes",  "wait",  "wait_times",
    "rows",     "beside_server", "beside_connections", "beside_name", "read_rate"};
// Those that name a file, whose content is sent.
constexpr const char* kSentFiles[] = {"profile", "schedule"};
constexpr const char* kRefused[] = {"files", "listen_at", "slices", "self_test", "server_program"};
constexpr size_t kMostFileBytes = size_t{32} << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be opened"));
  std::string content;
  char buffer[64 * 1024];
  // A device may have no end.
  while (content.size() <= kMostFileBytes && (file.read(buffer, sizeof(buffer)), file.gcount() > 0)) {
    content.append(buffer, static_cast<size_t>(file.gcount()));
  }
  if (content.size() <= kMostFileBytes) return content;
  return absl::InvalidArgumentError(absl::StrCat(path, " has more than ", kMostFileBytes, " bytes, too many to send"));
}

std::string ValueOf(const char* flag) {
  std::string value;
  gflags::GetCommandLineOption(flag, &value);
  return value;
}

absl::Status SetFlag(const std::string& flag, const std::string& value) {
  // gflags returns what it has done in words, and nothing if the value is none for this flag.
  if (!gflags::SetCommandLineOption(flag.c_str(), value.c_str()).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " cannot be '", value, "'"));
}

// A path at which the content can be read. In memory, so that nothing is left behind however the agent ends.
absl::StatusOr<std::string> MakeFile(const std::string& content) {
  UniqueFd file(::memfd_create("load", 0));
  if (!file.ok()) return SysError("memfd_create");
  for (size_t written = 0; written < content.size();) {
    const ssize_t count = ::write(file.get(), content.data() + written, content.size() - written);
    if (count < 0 && errno != EINTR) return SysError("write");
    written += static_cast<size_t>(std::max<ssize_t>(count, 0));
  }
  return absl::StrCat("/proc/self/fd/", file.release());
}

}  // namespace

absl::StatusOr<AgentOrder> OrderByFlags() {
  for (const char* flag : kRefused) {
    if (!IsFlagSet(flag)) continue;
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is for a run from this machine: not with --agents"));
  }
  AgentOrder order;
  // Only those that were given: for some flags it makes a difference (IsFlagSet()).
  for (const char* flag : kSent) {
    if (IsFlagSet(flag)) order.flags[flag] = ValueOf(flag);
  }
  for (const char* flag : kSentFiles) {
    if (ValueOf(flag).empty()) continue;
    absl::StatusOr<std::string> content = ReadFile(ValueOf(flag));
    if (!content.ok()) return content.status();
    order.files[flag] = *std::move(content);
  }
  return order;
}

absl::Status SetFlags(const AgentOrder& order) {
  for (const auto& [flag, value] : order.flags) {
    if (!absl::c_linear_search(kSent, absl::string_view(flag))) {
      return absl::InvalidArgumentError(absl::StrCat("an agent does not take --", flag));
    }
    if (absl::Status status = SetFlag(flag, value); !status.ok()) return status;
  }
  for (const auto& [flag, content] : order.files) {
    if (!absl::c_linear_search(kSentFiles, absl::string_view(flag))) {
      return absl::InvalidArgumentError(absl::StrCat("an agent does not take a file for --", flag));
    }
    const absl::StatusOr<std::string> path = MakeFile(content);
    if (!path.ok()) return path.status();
    if (absl::Status status = SetFlag(flag, *path); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckNoFlagsOfARun() {
  for (const auto& names :
       {absl::MakeConstSpan(kSent), absl::MakeConstSpan(kSentFiles), absl::MakeConstSpan(kRefused)}) {
    for (const char* flag : names) {
      if (!IsFlagSet(flag)) continue;
      return absl::InvalidArgumentError(absl::StrCat("--", flag, " is for the coordinator, not for an agent"));
    }
  }
  return absl::OkStatus();
}

}  // namespace polyserve
