// DiskFiles: files that have to come from the disk. Each is taken out of the page cache just before it is asked for, by
// posix_fadvise(2), so the server has to be on this machine. Whether that worked is looked up, by mincore(2): in a file
// system that lives in memory it cannot.
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

class DiskFiles {
 public:
  // Of all files together: their content is kept, to compare with.
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  // All regular files of a directory, hidden and empty ones left out, which the server shows below `prefix` ("" or
  // "a/"). InvalidArgument: there are fewer than two for each connection, they are too large, or cannot be
  // read.
  static absl::StatusOr<std::shared_ptr<DiskFiles>> Open(const std::string& directory, const std::string& prefix,
                                                         const Endpoint& server, int connections);

  // GETs of HTTP/1.1 for those files in turn that are this connection's, one of `connections`: no two connections ask
  // for the same, so that none finds what the other has brought into memory. Threads: any.
  static std::unique_ptr<Exchange> NewExchange(const std::shared_ptr<DiskFiles>& files);

  // A sentence, if a part of the files stayed in memory that counts.
  std::vector<std::string> Inspect() const;

 private:
  friend class DiskExchange;
  struct File {
    UniqueFd fd;
    std::shared_ptr<const std::string> request;
    std::shared_ptr<const std::string> content;
  };

  static absl::StatusOr<File> OpenFile(const std::string& path, const std::string& target, const Endpoint& server);
  void Forget(const File& file);

  std::vector<File> files_;
  size_t connections_ = 1;
  std::atomic<size_t> next_connection_ = 0;
  std::atomic<uint64_t> pages_ = 0;         // Of all files that were asked for.
  std::atomic<uint64_t> pages_stayed_ = 0;  // Of them, those that were in memory still.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_DISK_FILES_H_
