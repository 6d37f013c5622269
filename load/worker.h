// LoadWorker: a thread of the load generator that keeps its connections busy with exchanges, by an epoll of its own.
#ifndef POLYSERVE_LOAD_WORKER_H_
#define POLYSERVE_LOAD_WORKER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "load/arrivals.h"
#include "load/dialer.h"
#include "load/exchange.h"
#include "load/load_thread.h"
#include "load/plan.h"

namespace polyserve {

class LoadWorker : public LoadThread {
 public:
  explicit LoadWorker(const LoadPlan& share);

  absl::Status Connect() override;

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
    bool is_free = false;         // Is in free_.
  };

  void Load() override;
  void Settle() override;
  void Await(Connection& connection, uint32_t events, int operation);
  void OnEvents(Connection& connection, uint32_t events);
  void OnReadable(Connection& connection);
  void OnBroken(Connection& connection, uint64_t& kind, int error);
  void Lose(Connection& connection);
  void Renew(Connection& connection);
  void GoOn(Connection& connection);
  void Release(Connection& connection);
  void Ask(Connection& connection, int64_t due);
  bool Dial(Connection& connection);
  void Send(Connection& connection);
  void AskDue();
  void Wait();
  void LookAtIdleOnes();
  bool open_loop() const { return plan_.rate.has_value(); }

  Dialer dialer_;
  UniqueFd epoll_;
  std::vector<Connection> connections_;
  std::vector<UniqueFd> idle_;
  std::deque<Connection*> free_;  // Open loop: those that wait for work, the one that waits for longest first.
  std::deque<int64_t> overdue_;   // Open loop: when the requests were due for which none was free.
  Arrivals arrivals_;
  int64_t next_due_ = 0;
  bool ending_ = false;  // No new requests; replies are still awaited.
  int on_their_way_ = 0;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_WORKER_H_
