// ThreadedClient: one client of an event loop that several threads share under a mutex (leader, staged, stealing). The
// loop watches it for one event at a time; then it is "out": it waits in a queue, and a thread serves it, without the
// mutex, while another one waits for the next event.
//
//             an event, a timer, mail, the stop             a thread: Serve() without the mutex
//   watched ──────────────────────────────────▶ out, in the queue ───▶ out, served ───▶ Return(): watched again
//                                                      ▲                     │
//                                                      └─────────────────────┘ something came meanwhile
//
// A SteppedClient takes its turns as a state machine does, by NonblockingSteps; one of stealing is a coroutine
// (backends/roaming_socket.h).
//
// While it is out it is not watched, so only the thread that serves it touches its conversation. All calls but Serve()
// are made with the mutex held; those of the loop come from the thread that is in its Turn(), which is not in a wait
// then: so no event of a client that is out, or gone, can be on its way.
#ifndef POLYSERVE_BACKENDS_THREADED_CLIENT_H_
#define POLYSERVE_BACKENDS_THREADED_CLIENT_H_

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/upstream.h"
#include "backends/event/event_client.h"
#include "backends/event/poller_loop.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/statistics.h"
#include "net/wake_list.h"

namespace polyserve {

class ThreadedClient;

// Where clients go that have something to do, for a thread to take them.
class ReadyClients {
 public:
  virtual ~ReadyClients() = default;
  // Takes a client that is out. With the mutex held. Must not block.
  virtual void Add(ThreadedClient& client) = 0;
};

class ThreadedClient : public EventClient {
  using QueueHook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  QueueHook queue_hook_;

 public:
  // For the queue: when it has come there.
  std::chrono::steady_clock::time_point queued_since = {};

  using Queue =
      boost::intrusive::list<ThreadedClient,
                             boost::intrusive::member_hook<ThreadedClient, QueueHook, &ThreadedClient::queue_hook_>,
                             boost::intrusive::constant_time_size<false>>;

  // Starts watching; the client owns itself from here on.
  static void Start(std::unique_ptr<ThreadedClient> client);
  ~ThreadedClient() override = default;

  // Takes one turn, in any thread, without the mutex. `own`: the counters of the thread. If the thread does not take
  // all steps (Workspace::takes), Return() puts the client among those that are ready, at its next step.
  void Serve(Workspace& space, Counters& own);
  // Call it after Serve(), with the mutex held. May destroy the client.
  void Return();

  int owner() const { return owner_; }
  // What it has to do next, as far as it is known before that turn.
  Step step() { return conversation().step(); }

  // The loop's calls; see event_client.h. All mean the same: there is something to do.
  void OnEvents(uint8_t) override;
  void OnTurn() override { GoOut(); }
  void OnPauseOver() override { GoOut(); }
  void OnTimer() override { GoOut(); }
  void OnStop() override { GoOut(); }
  void OnReady() override { GoOut(); }
  void Drop() override { delete this; }

 protected:
  using Outcome = NonblockingSteps::Outcome;
  using Needs = NonblockingSteps::Needs;

  // Takes over the socket, which must be non-blocking. `ready` must outlive it. `owner`: the thread to which it is
  // bound, if clients are.
  ThreadedClient(UniqueFd fd, EventShared& shared, int service, ReadyClients& ready, int owner)
      : EventClient(std::move(fd), shared, service), ready_(ready), owner_(owner) {}

  // The conversation goes on, in any thread, without the mutex, as far as it gets without waiting.
  virtual Outcome TakeTurn(Workspace& space, Counters& counters) = 0;
  // What the next turn needs; see NonblockingSteps, of which these two are as well.
  virtual Needs needs() const = 0;
  virtual Upstream* upstream() = 0;
  virtual Conversation& conversation() = 0;

  // For the destructor of the derived class, before the conversation, and so the mailbox, is gone.
  void StopMail() { mail_ = nullptr; }

 private:
  bool is_away() const override { return is_out_; }
  void GoOut();
  bool Watch();

  ReadyClients& ready_;
  const int owner_;
  bool is_out_ = false;
  bool is_due_ = false;                    // Something has come while it was out.
  bool has_timer_ = false;                 // It was set, and may have to be cancelled.
  Outcome outcome_ = Outcome::kNothing;    // Of the last turn.
  std::unique_ptr<WakeList::Entry> mail_;  // Null if there is no mailbox.
  std::unique_ptr<TimedWait> timed_;       // What has brought it out, if that is timed.
};

class SteppedClient final : public ThreadedClient {
 public:
  SteppedClient(Connection connection, EventShared& shared, ReadyClients& ready, int owner);
  ~SteppedClient() override;

 private:
  Debt debt() const override { return steps_.conversation().debt(); }
  Outcome TakeTurn(Workspace& space, Counters& counters) override { return steps_.TakeTurn(space, counters); }
  Needs needs() const override { return steps_.needs(); }
  Upstream* upstream() override { return steps_.upstream(); }
  Conversation& conversation() override { return steps_.conversation(); }

  NonblockingSteps steps_;
};

// Makes a client of a connection; it is started by ThreadedClient::Start().
using MakeThreadedClient = std::function<std::unique_ptr<ThreadedClient>(Connection connection, EventShared& shared)>;

// In what one such loop differs from another.
struct ThreadedLoopOptions {
  std::function<bool()> admits = nullptr;    // See PollerLoopOptions.
  int events_per_wait = 1;                   // See EpollPoller::CreateShared().
  MakeThreadedClient make_client = nullptr;  // Null: a SteppedClient.
};

// Opens the loop that the threads share: epoll's, with clients of this kind, and with a poller that releases the mutex
// while it waits. `acceptor`: the thread that is in Turn(), and so the owner of clients that it accepts. All must
// outlive the loop.
absl::StatusOr<std::unique_ptr<PollerLoop>> OpenThreadedLoop(ServerContext& context, Mutex& mutex, ReadyClients& ready,
                                                             const int& acceptor,
                                                             const ThreadedLoopOptions& options = {});

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_THREADED_CLIENT_H_
