// ImpatientClients: a thread of the load generator whose clients give up after a time, and may try again (--give_up,
// --retry): what a server meets when more comes than it can serve. Uses epoll(7). Open loop.
//
//   due ─▶ a try: connect ─▶ send ─┬▶ the reply, in time             counts as a reply: goodput
//           ▲                      ├▶ refused: 503, or closed ─┐
//           │                      └▶ no reply in time: closes ┴▶ the last try?  ─ yes ─▶ failed
//           └────── at once, or after a random time ◀─────────────────────────── no
//
// Each try has a connection of its own, as a new client does: one that gives up closes it, and a server that goes on
// with the request works for nobody. The time is that of a try; the response time is counted from when the request was
// due, all tries included.
#ifndef POLYSERVE_CLIENT_LOAD_IMPATIENT_CLIENTS_H_
#define POLYSERVE_CLIENT_LOAD_IMPATIENT_CLIENTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/dialer.h"
#include "client/load/exchange.h"
#include "client/load/load_socket.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"

namespace polyserve {

// Whether a reply that begins so is the server's refusal, in the words of its protocol: "HTTP/1.1 503", "ERR 503".
enum class Verdict { kRefusal, kMayBecomeOne, kNone };
Verdict JudgeReply(absl::string_view begin);

// How long a client waits before it tries again, after this many tries in vain: 0, or a random time up to `give_up`
// that doubles with each further try. `draw` is uniform, from 0 to 1.
int64_t WaitBeforeTry(const Impatience& impatience, int tries, double draw);

// Everything but the constructor and Connect() runs in the thread's own Run(), which blocks only in Wait(). Requests
// that are due while as many tries are under way as the plan has connections wait for one, and count as overdue if they
// still do at the end. When the load ends, clients go on until each has its reply, or has failed; that is bounded by
// the plan's patience.
class ImpatientClients : public LoadThread {
 public:
  // REQUIRES: `share` has an exchange and an impatience. Its slices have a rate.
  explicit ImpatientClients(const LoadPlan& share);

  // Makes one connection, and closes it, to see that there is a server. Unavailable: there is none.
  absl::Status Connect() override;

 private:
  struct Request {
    int64_t due;
    int tries;  // In vain so far.
  };
  // A try that is under way, or none.
  struct Try {
    LoadSocket socket;  // Closed: none.
    std::unique_ptr<Exchange> exchange;
    Request request = {};
    int64_t began = 0;
    absl::string_view unsent;
    std::string begin;  // Of the reply, as much as JudgeReply() has needed.
    bool is_judged = false;
    bool connecting = false;
    bool waits_for_room = false;  // epoll watches for writability.
  };
  // A try is over at `time`, unless another one has begun in its place.
  struct Deadline {
    int64_t time;
    int64_t began;
    Try* one;
  };
  struct Later {
    int64_t time;
    Request request;
    bool operator<(const Later& other) const { return time > other.time; }  // The queue's top is the earliest.
  };

  void Load() override;
  void Settle() override;

  void AskDue();
  void Wait();
  // Begins a try, or has the request wait for one to end.
  void Begin(Request request);
  void OnEvents(Try& one, uint32_t events);
  bool ShakeHands(Try& one);
  void OnReadable(Try& one);
  void Receive(Try& one);
  void Send(Try& one);
  void Await(Try& one, uint32_t events, int operation);
  void OnDeadlines();

  // The ends of a try. Each frees its place.
  void OnReply(Try& one);
  void OnWrong(Try& one);
  void OnRefused(Try& one);
  void OnEnd(Try& one, int error);
  // In vain: tries again, if it may.
  void OnVain(Try& one, uint64_t& count);
  Request Free(Try& one);

  size_t under_way() const { return tries_.size() - free_.size(); }

  const Impatience impatience_;
  const int64_t give_up_after_;
  Dialer dialer_;
  UniqueFd epoll_;
  std::vector<Try> tries_;  // Never resized: epoll and the queues hold pointers to them.
  std::vector<Try*> free_;
  std::deque<Deadline> deadlines_;  // All tries have the same time, so the first one begun is over first.
  std::deque<Request> overdue_;     // Wait for a place.
  std::priority_queue<Later> later_;
  std::optional<Arrivals> arrivals_;  // Of this slice.
  int64_t next_due_ = 0;
  std::mt19937_64 random_;
  bool ending_ = false;   // No new requests; the others are still tried.
  uint64_t replies_ = 0;  // Counted ones.
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_IMPATIENT_CLIENTS_H_
