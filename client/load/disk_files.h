// DiskFiles: files that a server must read from the disk. Each is dropped from the page cache by posix_fadvise(2) just
// before it is requested, so the server must be on this machine. mincore(2) verifies that it worked: on a file system
// in memory it cannot. Without the check, the figures would silently be those of memory.
//
//   Ask()      posix_fadvise(DONTNEED) ──▶ mincore: which pages stayed? ──▶ the GET
//   Inspect()  a fault if more than a tenth of all pages stayed
#ifndef POLYSERVE_CLIENT_LOAD_DISK_FILES_H_
#define POLYSERVE_CLIENT_LOAD_DISK_FILES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/exchange.h"
#include "net/endpoint.h"

namespace polyserve {

// One object for a run, shared by the exchanges of all connections.
class DiskFiles {
 public:
  // The limit for all files together, because their contents are held in memory to compare the replies with.
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  // Reads all regular files of a directory that are neither hidden nor empty; the server offers them under `prefix` (""
  // or "a/"). Blocks until all are read, and written back if they are dirty. Returns InvalidArgument if there are fewer
  // than eight for each connection, if they exceed kMaxBytes, or if one cannot be read; an error of open(2) as
  // SysError() makes it.
  static absl::StatusOr<std::shared_ptr<DiskFiles>> Open(const std::string& directory, const std::string& prefix,
                                                         const Endpoint& server, int connections);

  // The exchange of the next connection: GETs of HTTP/1.1 for its own share of the files, in turn. No two connections
  // request the same file, so that none profits from the other's read. Keeps `files` alive. Threads: any.
  static std::unique_ptr<Exchange> NewExchange(const std::shared_ptr<DiskFiles>& files);

  // For LoadPlan::inspect: a sentence if more than a tenth of the pages had stayed in memory, or if that is not known.
  std::vector<std::string> Inspect() const;

 private:
  friend class DiskExchange;
  // An open file, the GET for it, and the expected content. Open for the whole run, so that Forget() needs no path; a
  // descriptor for each file.
  struct File {
    UniqueFd fd;
    std::shared_ptr<const std::string> request;
    std::shared_ptr<const std::string> content;
  };

  // Reads the file, which the server offers at `target`, and writes back its dirty pages.
  static absl::StatusOr<File> OpenFile(const std::string& path, const std::string& target, const Endpoint& server);
  // Drops the file from the page cache, and counts the pages that stayed. Threads: any; they share only the counts.
  void Forget(const File& file);

  std::vector<File> files_;
  size_t connections_ = 1;
  std::atomic<size_t> next_connection_ = 0;
  std::atomic<uint64_t> pages_ = 0;         // Of all files requested.
  std::atomic<uint64_t> pages_stayed_ = 0;  // Of these, still in memory after the drop.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_DISK_FILES_H_
