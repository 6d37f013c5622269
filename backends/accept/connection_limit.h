// ConnectionLimit: holds the number of open connections to --max_connections, over all threads and processes of the
// server, also where some of them are killed: nothing but the statistics says how many there are, and whoever buries a
// worker puts those right. A lock in shared memory lets one at a time count and enter.
//
//   wait     nobody is accepted while the server is full; whoever has to wait is told by an edge of fd().
//   refuse   whoever is one too many is accepted and closed at once, so that it need not wait to know.
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

  // Make it before there are threads and processes, which share it.
  static absl::StatusOr<std::unique_ptr<ConnectionLimit>> Create(const Statistics& statistics, int64_t most,
                                                                 Overload overload);
  ~ConnectionLimit();

  Overload overload() const { return overload_; }
  int64_t most() const { return most_; }

  // Counts a connection as accepted, in the caller's counters. False where the server is full.
  bool TryAcquire(Counters& counters);
  // Says that a connection has ended, and was counted so, or was not there after all: somebody may wait for its place.
  void Release();
  // The same without looking whether somebody waits: for whoever buries a worker that was killed, at any point.
  void WakeAll();

  // An event for each time that those who wait should try again. Never read: each waits for its edges, by an epoll of
  // its own, so that all are told.
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
  std::atomic<bool>* const somebody_waits_;  // In shared memory.
};

// Counts the end of a connection; the connection limit is null where there is no bound.
inline void CountEnd(Counters& counters, ConnectionLimit* connection_limit) {
  Counters::Add(counters.ended, 1);
  if (connection_limit != nullptr) connection_limit->Release();
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_CONNECTION_LIMIT_H_
