// LoadWorker: a thread of the load generator that keeps its connections busy with exchanges, using epoll(7).
//
// A connection, and what moves it on:
//
//   closed ── Transmit(): a request is due ──▶ connecting ── writable ──▶ open ──▶ reply ──▶ GoOn(): the next request
//     ▲ │                                          │ failed                │ closed, reset, or a wrong reply
//     │ └── is_paused: 100 ms, so that a server    │                       │ Lose(), or Reconnect() if the server may
//     │     that is down is not asked in a spin ◀──┘                       │ close between replies
//     └────────────────────────────────────────────────────────────────────┘
//
// Closed loop: a connection sends as soon as it has fewer than LoadPlan::depth requests under way. Open loop: a request
// that is due goes to the connection that has been free for longest (free_), or waits for one (overdue_).
//
// With TLS, the handshake comes between connecting and open, and is part of the time of the request that needs it; a
// reply has arrived when it is decrypted.
//
// A request belongs to its connection's queue from when it is asked until its reply has arrived or it is given up,
// across reconnections; `due` and `sent` keep their first values, so that the time lost with a connection counts.
#ifndef POLYSERVE_CLIENT_LOAD_WORKER_H_
#define POLYSERVE_CLIENT_LOAD_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/dialer.h"
#include "client/load/exchange.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"
#include "client/tls.h"

namespace polyserve {

// Everything but the constructor and Connect() runs in the worker's own thread, which blocks only in Wait().
class LoadWorker : public LoadThread {
 public:
  // `share` is this thread's part of the plan; make_exchange is set.
  explicit LoadWorker(const LoadPlan& share);

  // Makes all connections one after the other, the idle ones last; each within the plan's patience.
  absl::Status Connect() override;

 private:
  // Times of LoadThread::Now().
  struct Request {
    int64_t due;  // In a closed loop the same as `sent`.
    int64_t sent;
  };
  // kPlain: closed, or open in the clear; read and written in the shortest way. The others are those of TLS, but for
  // kConnecting.
  enum class Phase : uint8_t { kPlain, kConnecting, kHandshake, kTls };
  // What stays while sockets come and go: the exchange, the requests, the counts.
  struct Connection {
    UniqueFd fd;  // Closed: it is made with the next request.
    std::unique_ptr<Exchange> exchange;
    std::deque<Request> requests;  // Without a reply so far, oldest first.
    size_t asked = 0;              // The first ones of these, sent on this socket; the others only on an earlier one.
    absl::string_view unsent;      // The rest of the newest request.
    uint64_t replies = 0;          // Counted ones.
    bool has_replied = false;      // On this connection.
    Phase phase = Phase::kPlain;
    bool waits_for_room = false;     // epoll watches for writability: to connect, or to send the rest.
    bool is_free = false;            // Is in free_.
    bool is_paused = false;          // Is in paused_.
    std::unique_ptr<TlsSocket> tls;  // In kHandshake and kTls; destroyed before its socket.
  };
  struct IdleConnection {
    UniqueFd fd;
    std::unique_ptr<TlsSocket> tls;  // Null: in the clear. Destroyed before its socket.
  };
  struct Pause {
    int64_t end;
    Connection* connection;
  };

  // Starts requests as the loop (closed or open) asks for them, until the plan's end.
  void Load() override;
  // Starts nothing new, except requests in overdue_ when a connection becomes free; waits for replies.
  void Settle() override;

  // Waits for events until the next request is due, a pause ends, or 100 ms have passed, and handles them.
  void Wait();
  // Calls epoll_ctl(2) with `operation` (EPOLL_CTL_ADD, EPOLL_CTL_MOD) for these events.
  void Await(Connection& connection, uint32_t events, int operation);

  // What an event may mean: connected, data, a whole reply, a wrong one, the server's end, no connection. Each leaves
  // the connection with a next step: a request under way, an entry in free_ or paused_, or (in Settle()) none.
  void OnEvents(Connection& connection, uint32_t events);
  void OnOtherEvents(Connection& connection, uint32_t events);
  void OnReadable(Connection& connection);
  // Takes the `count` bytes that are in buffer_; 0: the end, with this errno.
  void TakeBytes(Connection& connection, size_t count, int error);
  void OnReply(Connection& connection);
  void OnWrong(Connection& connection);
  void OnEnd(Connection& connection, int error);
  void OnNotConnected(Connection& connection, int error);

  // Closes, and counts the requests under way as unanswered.
  void Lose(Connection& connection);
  // Closes, and sends the requests under way again on a new connection.
  void Reconnect(Connection& connection);
  // Closes. The requests stay in the queue.
  void Disconnect(Connection& connection);
  // Sets the connection aside for 100 ms. paused_ needs no sorting: all pauses are equally long.
  void PauseIt(Connection& connection);
  void EndPauses();

  // Gives the connection its next request, if there is one and it has room.
  void GoOn(Connection& connection);
  // Open loop: marks the connection as free.
  void Release(Connection& connection);
  // Starts a new request, or again the oldest one that was sent on an earlier connection only.
  void Ask(Connection& connection, int64_t due);
  void AskAgain(Connection& connection);
  // Connects if necessary, then sends.
  void Transmit(Connection& connection);
  void Send(Connection& connection);
  // Watches for writability, or no longer: because something is left to send, or TLS waits for it.
  void WatchForRoom(Connection& connection, bool waits);
  // The same over TLS: the handshake, what OnReadable() and Send() do, and at the end of Connect().
  void ShakeHands(Connection& connection);
  void ReceiveByTls(Connection& connection);
  void SendByTls(Connection& connection);
  absl::StatusOr<std::unique_ptr<TlsSocket>> OpenTls(int fd);
  // Open loop: starts all requests that are due by now, or puts them into overdue_.
  void AskDue();
  // Counts the idle connections that the server has closed, or sent something to.
  void LookAtIdleOnes();
  bool open_loop() const { return plan_.rate.has_value(); }

  Dialer dialer_;
  UniqueFd epoll_;                       // Level-triggered; each event's data is a pointer into connections_.
  std::vector<Connection> connections_;  // Never resized: epoll and the queues hold pointers to them.
  std::vector<IdleConnection> idle_;
  std::deque<Connection*> free_;      // Open loop: connections without a request, the longest free first.
  std::deque<Pause> paused_;          // Connections that failed, by the time at which they are tried again.
  std::deque<int64_t> overdue_;       // Open loop: due times of the requests that wait for a free connection.
  std::optional<Arrivals> arrivals_;  // Open loop: of this slice.
  int64_t next_due_ = 0;
  bool ending_ = false;   // No new requests; replies are still awaited.
  int on_their_way_ = 0;  // Requests without a reply, of all connections.
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_WORKER_H_
