// ScheduledClients: a thread of the load generator whose clients make each request when the schedule says, on the
// connection of its client, whatever the server does (open loop). Uses epoll(7).
//
//   due ──▶ waits for the client's earlier requests ──▶ sent ──▶ its reply
//            └─ response time: from when it was due ────────────────┘
//
// A client has one connection at a time, made with its first request. The client closes it after a request that says
// so, after a silence of Behaviour::keep_alive, and before a request that is due that long after the one before it.
#ifndef POLYSERVE_CLIENT_LOAD_SCHEDULED_CLIENTS_H_
#define POLYSERVE_CLIENT_LOAD_SCHEDULED_CLIENTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/dialer.h"
#include "client/load/http_fetch.h"
#include "client/load/load_socket.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"
#include "client/load/schedule.h"

namespace polyserve {

// Everything but the constructor and Connect() runs in the worker's own thread, which blocks only in Wait(). All times
// are nanoseconds of LoadThread::Now(); those of the schedule are counted from its beginning, and base_ is when that
// was.
//
// Requests of one client come one after the other, since HTTP/1.1 without pipelining has one reply under way on a
// connection; requests of different clients do not wait for each other. What a client still waits for when the load
// ends is awaited for the plan's patience, and then counts as unanswered, with its age.
//
// Bounds: a descriptor for each client, and an entry for each request that is due and has no reply yet.
class ScheduledClients : public LoadThread {
 public:
  struct Behaviour {
    absl::Duration begin = absl::ZeroDuration();           // Where in the schedule the run begins.
    absl::Duration keep_alive = absl::InfiniteDuration();  // How long a client keeps a silent connection.
    bool connects_first = false;  // All connections are made before the run, and have had a reply.
  };

  // Has as many clients of the schedule as the share has connections, from `first_client` on. Copies their requests out
  // of the schedule; the targets stay there, so the schedule is kept alive.
  ScheduledClients(const LoadPlan& share, std::shared_ptr<const Schedule> schedule, uint32_t first_client,
                   const Behaviour& behaviour);

  // Makes the connections if Behaviour::connects_first says so, in batches, and fetches the schedule's first target on
  // each; otherwise only checks that epoll(7) is there. Returns Unavailable if one cannot be made, or has no right
  // reply, within the plan's patience.
  absl::Status Connect() override;

 private:
  // Far above any clock, so that times can be added to it.
  static constexpr int64_t kForever = INT64_MAX / 4;

  struct Due {
    int64_t time;
    const Schedule::Request* request;
  };
  // What a client is doing follows from its fields:
  //
  //   no socket, nothing waiting    away: the next request makes a connection
  //   no socket, is_busy            could not connect: is in pauses_
  //   connecting                    the request under way is sent when the socket is writable, and TLS is ready
  //   is_busy                       its first request in `waiting` is under way
  //   socket, not busy              between two requests
  struct Client {
    LoadSocket socket;  // Closed: it is made with the next request.
    HttpFetch exchange;
    std::vector<Due> waiting;  // Requests without a reply, oldest first; only the first one may be under way.
    bool is_busy = false;      // That one is under way, or will be once a connection is made.
    int64_t sent = 0;          // When it was sent.
    absl::string_view unsent;  // The rest of it.
    int64_t last_due = 0;      // When the last request was due that was sent on this connection.
    int64_t silent_until = 0;  // When the client closes the connection, unless it asks before; 0: it stays.
    bool has_replied = false;  // The server, on this connection.
    bool connecting = false;
    bool waits_for_room = false;  // epoll watches for writability.
  };
  // Something that happens to a client at a time.
  struct Appointment {
    int64_t time;
    Client* client;
  };

  // Blocks until the reply to the request that was sent is there, and right.
  absl::Status AwaitFirstReply(Client& client);

  void Load() override;
  void Settle() override;

  // Goes on where the slice before ended, as if no time had passed since; the first one begins at begin_.
  void Resume();
  // When the next request of the schedule is due.
  int64_t NextDue() const { return requests_.empty() ? kForever : base_ + requests_[next_].due; }
  // Starts all requests that are due by now, or lets them wait for their clients.
  void AskDue();
  // Waits for events until the next request is due, or an appointment, and handles them.
  void Wait();
  // Watches for writability, or no longer: because something is left to send, or TLS waits for it.
  void WatchForRoom(Client& client, bool waits);
  // Calls epoll_ctl(2) with `operation` (EPOLL_CTL_ADD, EPOLL_CTL_MOD) for these events.
  void Await(Client& client, uint32_t events, int operation);

  // What an event may mean: connected, data, a whole reply, a wrong one, the server's end, no connection.
  void OnEvents(Client& client, uint32_t events);
  // The socket is connected. False: TLS is not ready yet, or has failed.
  bool ShakeHands(Client& client);
  void OnReadable(Client& client);
  void Receive(Client& client);
  void OnReply(Client& client, bool is_last);
  void OnWrong(Client& client);
  void OnEnd(Client& client, int error);
  void OnNotConnected(Client& client, int error);

  // Sends the client's oldest request, if there is one and none is under way.
  void Start(Client& client);
  // Sends the request under way from its beginning; connects if necessary.
  void Transmit(Client& client);
  void Send(Client& client);
  // The request under way is done with. Returns it.
  Due Finish(Client& client);
  // Counts the request under way as unanswered, and closes.
  void Lose(Client& client);
  // Counts all requests of the client as unanswered, and closes.
  void GiveUp(Client& client);
  // Closes the connection. The requests stay.
  void Close(Client& client);
  // Tries again to connect, or closes what was silent for too long, if it is time.
  void KeepAppointments();

  const std::shared_ptr<const Schedule> schedule_;
  const int64_t keep_alive_;
  const bool connects_first_;
  std::vector<Schedule::Request> requests_;  // Of these clients; Request::client is an index of clients_.
  Dialer dialer_;
  UniqueFd epoll_;
  // Never resized: epoll and the queues hold pointers to them.
  std::vector<Client> clients_;
  int64_t begin_;                     // Where in the schedule the next slice begins.
  int64_t ended_ = 0;                 // When the last slice ended; 0: there was none.
  int64_t base_ = 0;                  // When this pass of the schedule began, or would have.
  size_t next_ = 0;                   // The next request.
  size_t unfinished_ = 0;             // Requests in all Client::waiting.
  bool ending_ = false;               // No new requests; replies are still awaited.
  std::deque<Appointment> pauses_;    // Clients that could not connect, by the time at which they try again.
  std::deque<Appointment> silences_;  // By Client::silent_until; out of date if that has changed.
  uint64_t replies_ = 0;              // Counted ones.
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SCHEDULED_CLIENTS_H_
