// Upload: the workload in which each connection PUTs a file of its own by HTTP/1.1, over and over, with different
// content each time. After the run the files are fetched, and must have the content of the last acknowledged PUT. They
// stay on the server, since it need not support DELETE.
#ifndef POLYSERVE_CLIENT_LOAD_UPLOAD_H_
#define POLYSERVE_CLIENT_LOAD_UPLOAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/load/exchange.h"
#include "net/endpoint.h"

namespace polyserve {

class LoadTls;

//   PUT n sent        asked = n           from now on the file may have this content
//   PUT n answered    acknowledged = n    from now on the file must not have an earlier one
//
// One object for a run: its exchanges do the PUTs, and Inspect() checks the files afterwards. A PUT that was sent and
// not acknowledged may have been stored or not, so either content is right.
class Upload {
 public:
  // The files are named PREFIX-1, PREFIX-2, ..., or begin behind PREFIX-`last`, which belong to others; `size` is in
  // bytes, at least 1. `tls` null: in the clear.
  Upload(const Endpoint& server, std::string prefix, size_t size, std::shared_ptr<const LoadTls> tls = nullptr,
         int last = 0);

  // The exchange of the next connection, with the next file. Must not outlive this object. Threads: any.
  std::unique_ptr<Exchange> NewExchange();

  // Fetches the files, one after the other, and returns a sentence for each that is not as it should be. Skips files of
  // which no PUT was acknowledged. Blocks. REQUIRES: the exchanges are no longer used.
  std::vector<std::string> Inspect() const;

  // The content of the n-th PUT of any file: printable, and different from the others as far as the digits of `n` fit
  // into `size` bytes.
  static std::string Content(size_t size, uint64_t n);

  // The state of a connection's file. Content() of `acknowledged` to `asked` may be on the server.
  struct File {
    std::string path;
    uint64_t asked = 0;         // The number of the last PUT that was sent; the first one is 1.
    uint64_t acknowledged = 0;  // The number of the last PUT that was answered; 0 if none was.
  };

 private:
  bool IsAsItShouldBe(const File& file, const std::string& content) const;

  const Endpoint server_;
  const std::string prefix_;
  const size_t size_;
  const std::shared_ptr<const LoadTls> tls_;
  const size_t last_;  // The number of the last file that belongs to others.
  mutable Mutex mutex_;
  // Only the list is guarded: each file belongs to its exchange until Inspect(). A deque, so that the exchanges'
  // references to files stay valid while others are added.
  std::deque<File> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_UPLOAD_H_
