// LoadWorker: a thread of the load generator that keeps its connections busy with exchanges, by an epoll of its own.
#ifndef POLYSERVE_CLIENT_LOAD_WORKER_H_
#define POLYSERVE_CLIENT_LOAD_WORKER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/dialer.h"
#include "client/load/exchange.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"

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
    UniqueFd fd;  // Closed: it is made with the next request.
    std::unique_ptr<Exchange> exchange;
    std::deque<Request> requests;  // Without a reply so far, oldest first.
    size_t asked = 0;              // So many of them were asked here; the others were asked on a connection before.
    absl::string_view unsent;      // Of the newest that was asked.
    uint64_t replies = 0;          // Counted ones.
    bool has_replied = false;      // Over this connection.
    bool connecting = false;
    bool waits_for_room = false;  // Is watched for writability.
    bool is_free = false;         // Is in free_.
    bool is_paused = false;       // Is in paused_.
  };
  struct Pause {
    int64_t end;
    Connection* connection;
  };

  void Load() override;
  void Settle() override;
  void Await(Connection& connection, uint32_t events, int operation);
  void OnEvents(Connection& connection, uint32_t events);
  void OnReadable(Connection& connection);
  void OnReply(Connection& connection);
  void OnWrong(Connection& connection);
  void OnEnd(Connection& connection, int error);
  void OnNotConnected(Connection& connection, int error);
  void Lose(Connection& connection);
  void Reconnect(Connection& connection);
  void Disconnect(Connection& connection);
  void PauseIt(Connection& connection);
  void EndPauses();
  void GoOn(Connection& connection);
  void Release(Connection& connection);
  void Ask(Connection& connection, int64_t due);
  void AskAgain(Connection& connection);
  void Transmit(Connection& connection);
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
  std::deque<Pause> paused_;      // Failed, and are not tried again before; in the order of time.
  std::deque<int64_t> overdue_;   // Open loop: when the requests were due for which none was free.
  Arrivals arrivals_;
  int64_t next_due_ = 0;
  bool ending_ = false;  // No new requests; replies are still awaited.
  int on_their_way_ = 0;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKER_H_
