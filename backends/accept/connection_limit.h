// ConnectionLimit: holds the number of open connections to --max_connections, over all threads and processes of the
// server, even if some of them are killed. It keeps no count of its own: the number is derived from the shared
// statistics, which the parent corrects when it reaps a worker. A lock in shared memory lets one acceptor at a time
// compare and count.
//
//   wait     no client is accepted while the server is full; acceptors wait for an edge of fd()
//   refuse   a client above the limit is accepted and closed at once, so that it learns without a wait
//
//   acceptor:  TryAcquire() ─┬▶ true: accept, serve ─▶ CountEnd() ─▶ Release() ─┐
//                            └▶ false: wait for an edge of fd() ◀───────────────┘ if an acceptor waits
//
// Any thread and any process of the server may call it. An acquisition sums up all rows of the statistics, and costs a
// system call only if two of them meet; a release costs one only if an acceptor waits.
#ifndef POLYSERVE_BACKENDS_ACCEPT_CONNECTION_LIMIT_H_
#define POLYSERVE_BACKENDS_ACCEPT_CONNECTION_LIMIT_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/statistics.h"

namespace polyserve {

class AcceptLock;

class ConnectionLimit {
 public:
  enum class Overload { kWait, kRefuse };

  // Create it before there are threads and processes, which share it. `most` is at least 1. Fails for want of
  // descriptors or memory.
  static absl::StatusOr<std::unique_ptr<ConnectionLimit>> Create(const Statistics& statistics, int64_t most,
                                                                 Overload overload);
  ~ConnectionLimit();

  Overload overload() const { return overload_; }
  int64_t most() const { return most_; }

  // Counts a connection as accepted, in the caller's counters. False: the server is full, and nothing was counted. With
  // kWait, an edge of fd() follows then once a connection has ended. Blocks while another acceptor counts:
  // microseconds.
  bool TryAcquire(Counters& counters);
  // Call it after a connection was counted as ended, or after an acquisition was taken back: wakes the acceptors that
  // wait. Never blocks.
  void Release();
  // The same whether or not an acceptor is known to wait. For the parent of a worker that was killed, because the
  // worker may have been killed within Release(), after it had taken the mark and before it had woken anyone.
  void WakeAll();

  // An eventfd with an edge each time that acceptors should try again. It is never read: each acceptor watches for
  // edges with an epoll of its own, so that all of them wake up.
  int fd() const { return wake_.get(); }

 private:
  ConnectionLimit(const Statistics& statistics, int64_t most, Overload overload, std::unique_ptr<AcceptLock> lock,
                  UniqueFd wake, std::atomic<bool>* somebody_waits);

  bool Enter(Counters& counters);

  const Statistics statistics_;
  const int64_t most_;
  const Overload overload_;
  const std::unique_ptr<AcceptLock> lock_;
  const UniqueFd wake_;
  // In shared memory: an acceptor has found the server full, and no release has woken it since.
  std::atomic<bool>* const somebody_waits_;
};

// Counts the end of a connection that was counted as accepted, first as ended, then as a place that is free: in the
// other order a woken acceptor could find the server still full. The limit is null if there is none.
inline void CountEnd(Counters& counters, ConnectionLimit* connection_limit) {
  Counters::Add(counters.ended, 1);
  if (connection_limit != nullptr) connection_limit->Release();
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_CONNECTION_LIMIT_H_
