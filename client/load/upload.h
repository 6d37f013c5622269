// Upload: each connection PUTs a file of its own by HTTP/1.1, over and over, with other content each time. When all is
// over the files are fetched, and have to be as the last PUT that was acknowledged has left them. They stay on the
// server, which need not know DELETE.
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

class Upload {
 public:
  // The files are named PREFIX-1, PREFIX-2, ...; size is at least 1.
  Upload(const Endpoint& server, std::string prefix, size_t size);

  // Of the next file. Threads: any. It must not outlive this.
  std::unique_ptr<Exchange> NewExchange();

  // Fetches what has been acknowledged, and says what is wrong with it, in a sentence each. Not while exchanges are
  // used.
  std::vector<std::string> Inspect() const;

  // What the n-th PUT of any file carries: printable, and different from the others.
  static std::string Content(size_t size, uint64_t n);

  struct File {
    std::string path;
    uint64_t asked = 0;         // The number of the last PUT that was begun.
    uint64_t acknowledged = 0;  // The number of the last PUT that was answered. 0: none was.
  };

 private:
  bool IsAsItShouldBe(const File& file, const std::string& content) const;

  const Endpoint server_;
  const std::string prefix_;
  const size_t size_;
  mutable Mutex mutex_;
  // Only the list is guarded: each file belongs to its exchange until that is done with.
  std::deque<File> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_UPLOAD_H_
