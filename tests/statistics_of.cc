#include "tests/statistics_of.h"

#include <fcntl.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"

namespace polyserve {

absl::StatusOr<Statistics> StatisticsOf(pid_t server) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(absl::StrCat("/proc/", server, "/fd"), error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (!absl::StrContains(target, "polyserve-statistics")) continue;
    return Statistics::Map(UniqueFd(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC)));
  }
  return absl::NotFoundError("the server has none");
}

}  // namespace polyserve
