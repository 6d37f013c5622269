// LibraryVisits: the workload of the file service in which each connection, in turn, puts a file of its own, gets it
// back, and lists the library: what the clients of the course's file server do.
#ifndef POLYSERVE_CLIENT_LOAD_LIBRARY_VISITS_H_
#define POLYSERVE_CLIENT_LOAD_LIBRARY_VISITS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "client/load/exchange.h"

namespace polyserve {

// One object for a run. The files stay on the server. An exchange takes turns:
//
//   P <name> <size>, content n ──▶ OK 0 ──▶ G <name> ──▶ content n ──▶ L ──▶ a list with the file ──▶ content n + 1
//
// so that each get must see the put before it. A turn that is lost with its connection is not repeated, since the file
// service does not say whether a command was executed.
class LibraryVisits {
 public:
  // The files are named PREFIX-1, PREFIX-2, ..., or begin behind PREFIX-`last`, which belong to others; `size` is in
  // bytes, at least 1. Each put has another content. A content differs from the others in its last digits, as far as
  // `size` has room for them.
  LibraryVisits(std::string prefix, size_t size, int last = 0) : prefix_(std::move(prefix)), size_(size), last_(last) {}

  // The exchange of the next connection, for one request under way at a time. Each reply is checked: the content that
  // is fetched is the one that was put last, and the list has the file with its size. Threads: any. Memory: the file,
  // and the list while it arrives.
  std::unique_ptr<Exchange> NewExchange();

 private:
  const std::string prefix_;
  const size_t size_;
  std::atomic<int> last_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_LIBRARY_VISITS_H_
