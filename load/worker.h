// LoadWorker: one thread of the load generator, with its share of the connections; see generator.h.
#ifndef POLYSERVE_LOAD_WORKER_H_
#define POLYSERVE_LOAD_WORKER_H_

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "load/arrivals.h"
#include "load/exchange.h"
#include "load/generator.h"

namespace polyserve {

class LoadWorker {
 public:
  // The plan is the worker's own: with its share of connections, and of the rate.
  LoadWorker(const LoadPlan& plan, uint64_t seed);

  // Makes all connections. Unavailable: not all could be made in time.
  absl::Status Connect();

  // The clock of all workers: CLOCK_MONOTONIC, in nanoseconds.
  static int64_t Now();

  // Runs the plan, which begins at this time of Now().
  void Run(int64_t start);

  const LoadTally& tally() const { return tally_; }

 private:
  struct Request {
    int64_t due;
    int64_t sent;
  };
  struct Connection {
    UniqueFd fd;
    std::unique_ptr<Exchange> exchange;
    std::deque<Request> requests;  // On their way, oldest first.
    absl::string_view unsent;      // Of the newest request.
    uint64_t replies = 0;          // Counted ones.
    bool connecting = false;
    bool waits_for_room = false;  // Is watched for writability.
  };

  bool Open(Connection& connection);
  void Await(Connection& connection, uint32_t events, int operation);
  void OnEvents(Connection& connection, uint32_t events);
  void OnReadable(Connection& connection);
  void OnReply(Connection& connection);
  void OnBroken(Connection& connection, uint64_t& kind);
  void Renew(Connection& connection);
  void GoOn(Connection& connection);
  void Ask(Connection& connection, int64_t due);
  void Send(Connection& connection);
  void AskDue();
  void Wait();
  void CloseBooks();
  bool IsCounted(int64_t time) const { return time >= count_from_ && time < end_; }
  bool open_loop() const { return plan_.rate.has_value(); }

  const LoadPlan plan_;
  UniqueFd epoll_;
  std::vector<Connection> connections_;
  std::vector<UniqueFd> idle_;
  std::deque<Connection*> free_;  // Open loop: those that wait for work, the one that waits for longest first.
  std::deque<int64_t> overdue_;   // Open loop: when the requests were due for which none was free.
  Arrivals arrivals_;
  int64_t start_ = 0;
  int64_t count_from_ = 0;
  int64_t end_ = 0;
  int64_t next_due_ = 0;
  int64_t now_ = 0;
  bool ending_ = false;  // No new requests; replies are still awaited.
  int on_their_way_ = 0;
  LoadTally tally_;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_WORKER_H_
