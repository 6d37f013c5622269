#include "net/available_processors.h"

#include <errno.h>
#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// The kernel's mask may have more bits than cpu_set_t (1024): sched_getaffinity(2) then refuses the buffer. A million
// is above what Linux can be built for.
constexpr size_t kMostMasks = 1024;

// A hierarchy of control groups that may have quotas, as far as it is mounted.
struct Hierarchy {
  bool is_v2;
  std::string top;     // The group that its mount shows as its root: "/", or that of the container.
  std::string folder;  // Where that group is.
};

// Processor time: `quota_us` in each `period_us`.
struct Quota {
  int64_t quota_us;
  int64_t period_us;
  std::string folder;  // Of the group.

  double processors() const { return static_cast<double>(quota_us) / static_cast<double>(period_us); }
  int64_t rounded_up() const { return quota_us / period_us + (quota_us % period_us == 0 ? 0 : 1); }
};

// Empty if it cannot be read.
std::string Read(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// In mountinfo, blanks and backslashes of a path are written as \040 and the like (proc(5)).
std::string Unescape(absl::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const bool is_code = text[0] == '\\' && text.size() >= 4;
    plain.push_back(is_code ? static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'))
                            : text[0]);
    text.remove_prefix(is_code ? 4 : 1);
  }
  return plain;
}

bool Names(absl::string_view list, absl::string_view word) {
  const std::vector<absl::string_view> words = absl::StrSplit(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu": the fourth field is the group, the fifth the
// folder; behind the dash come the type, the source, and the options, which name the controllers of version 1.
std::vector<Hierarchy> ListHierarchies(absl::string_view mountinfo) {
  std::vector<Hierarchy> found;
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<absl::string_view> mount = absl::StrSplit(halves[0], ' ');
    const std::vector<absl::string_view> type = absl::StrSplit(halves[1], ' ');
    if (mount.size() < 5 || type.size() < 3) continue;
    const bool is_v2 = type[0] == "cgroup2";
    if (!is_v2 && !(type[0] == "cgroup" && Names(type[2], "cpu"))) continue;
    found.push_back({is_v2, Unescape(mount[3]), Unescape(mount[4])});
  }
  return found;
}

// The own group in the hierarchy: "0::/a" of version 2, "1:cpu,cpuacct:/a" of version 1. Nothing: it has none there.
std::optional<std::string> OwnPath(absl::string_view groups, bool is_v2) {
  for (const absl::string_view line : absl::StrSplit(groups, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (is_v2 ? fields[0] == "0" && fields[1].empty() : Names(fields[1], "cpu")) return std::string(fields[2]);
  }
  return std::nullopt;
}

// The folder of the group with this path. A path outside of what is mounted, as in a container that sees the host's
// paths, or in a group that was moved, leaves the top of the mount: it limits the process if anything there does.
std::string FolderOf(const Hierarchy& hierarchy, absl::string_view path) {
  if (hierarchy.top != "/" && !absl::ConsumePrefix(&path, hierarchy.top)) return hierarchy.folder;
  const absl::string_view below = absl::StripSuffix(path, "/");
  const bool is_beneath = below.empty() || (below[0] == '/' && !absl::StartsWith(below, "/.."));
  return is_beneath ? absl::StrCat(hierarchy.folder, below) : hierarchy.folder;
}

// A quota that is not there, or "max" or -1, which mean none, or nonsense: nothing.
std::optional<Quota> ReadQuota(absl::string_view system, const std::string& folder, bool is_v2) {
  const std::string place = absl::StrCat(system, folder);
  const std::string text = is_v2 ? Read(absl::StrCat(place, "/cpu.max"))
                                 : absl::StrCat(Read(absl::StrCat(place, "/cpu.cfs_quota_us")), " ",
                                                Read(absl::StrCat(place, "/cpu.cfs_period_us")));
  const std::vector<absl::string_view> words = absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  Quota quota = {.quota_us = 0, .period_us = 0, .folder = folder};
  const bool is_understood =
      words.size() == 2 && absl::SimpleAtoi(words[0], &quota.quota_us) && absl::SimpleAtoi(words[1], &quota.period_us);
  if (!is_understood || quota.quota_us <= 0 || quota.period_us <= 0) return std::nullopt;
  return quota;
}

// The least quota of the group in this folder and of those above it.
void AddLeastQuota(absl::string_view system, const Hierarchy& hierarchy, std::string folder,
                   std::optional<Quota>& least) {
  while (folder.size() >= hierarchy.folder.size()) {
    std::optional<Quota> quota = ReadQuota(system, folder, hierarchy.is_v2);
    if (quota.has_value() && (!least.has_value() || quota->processors() < least->processors())) {
      least = std::move(quota);
    }
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos) return;
    folder.resize(slash);
  }
}

int CountAllowed() {
  for (size_t masks = 1; masks <= kMostMasks; masks *= 2) {
    std::vector<cpu_set_t> mask(masks);
    const size_t bytes = masks * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, mask.data()) == 0) return std::max(1, CPU_COUNT_S(bytes, mask.data()));
    if (errno != EINVAL) break;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // 0 if the system does not tell.
}

std::string Processors(double count) { return absl::StrCat(count, count == 1 ? " processor" : " processors"); }

}  // namespace

AvailableProcessors FindAvailableProcessors() { return FindAvailableProcessors("", CountAllowed()); }

AvailableProcessors FindAvailableProcessors(absl::string_view system, int allowed) {
  const std::string groups = Read(absl::StrCat(system, "/proc/self/cgroup"));
  std::optional<Quota> least;
  for (const Hierarchy& hierarchy : ListHierarchies(Read(absl::StrCat(system, "/proc/self/mountinfo")))) {
    const std::optional<std::string> path = OwnPath(groups, hierarchy.is_v2);
    if (path.has_value()) AddLeastQuota(system, hierarchy, FolderOf(hierarchy, *path), least);
  }
  const std::string of_affinity = absl::StrCat("it may run on ", Processors(allowed));
  if (!least.has_value()) return {allowed, absl::StrCat(of_affinity, ", and no control group has a quota")};
  const std::string of_quota =
      absl::StrCat("the control group ", least->folder, " gives ", Processors(least->processors()));
  if (least->rounded_up() >= allowed) return {allowed, absl::StrCat(of_affinity, "; ", of_quota)};
  return {static_cast<int>(least->rounded_up()), absl::StrCat(of_quota, ", of ", allowed, " that it may run on")};
}

}  // namespace polyserve
