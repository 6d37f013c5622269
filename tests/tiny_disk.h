// A disk of one mebibyte, to be filled: a file system in memory (tmpfs(5)) that only the server under test sees.
#ifndef POLYSERVE_TESTS_TINY_DISK_H_
#define POLYSERVE_TESTS_TINY_DISK_H_

#include <functional>
#include <string>

namespace polyserve {

// For ServerProcess::Options::before_exec: lays the disk over a directory, in a mount namespace of the process's own,
// which needs no privileges (user_namespaces(7)) and leaves nothing behind. Ends the process if that fails. With
// kNoBound, the disk has no bound, and reports no blocks at all to statvfs(3).
inline constexpr char kOneMebibyte[] = "size=1m";
inline constexpr char kNoBound[] = "size=0";
std::function<void()> MountTinyDisk(const std::string& directory, const std::string& options = kOneMebibyte);

// Whether this system allows it: some forbid user namespaces.
bool CanMountTinyDisk(const std::string& directory);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TINY_DISK_H_
