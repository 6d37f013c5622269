// Pool: keeps a fixed or changing number of workers at work, be they processes, threads or event loops. A model says
// what a worker is (WorkerFactory).
//
//   size       A worker that has ended is replaced: at once, or after a pause if workers keep dying young (BackOff).
//              One more is started while none is idle, up to workers_max; one a second is dismissed while two or more
//              are idle, down to workers_min. A pool of fixed size sets no timer: an idle pool never wakes up.
//   passing    With --accept=pass the pool accepts, and only while a worker is idle; the other clients wait in the
//              kernel's queue, where they cost nothing.
//   overload   If --overload orders those that wait, the pool accepts them at once, and they wait in a room of its own
//              (waiting_room.h).
//   datagrams  One more worker, which always runs, serves them all (udp_worker.h). It is replaced like any other.
//   stopping   Workers are interrupted again and again until each has noticed. Clients that had connected before are
//              still served, by new workers if all are busy or have left. A listener is shut down as soon as its queue
//              is empty.
//
// The scoreboard has a slot for each worker, which says what the worker does. This is the life of a worker that serves
// one client at a time, with the functions that change the state; a worker that is killed becomes kCrashed from any of
// them:
//
//            Pool::Start     PoolWorker::Next     ~PoolWorker        WorkerFactory
//   kVacant ─────────────▶ [ kIdle ◀─▶ kBusy ] ──────────▶ kLeaving ─────────▶ kLeft or kCrashed
//      ▲                                                                              │
//      └───────────────────────────── Pool::ReapWorkers ──────────────────────────────┘
#ifndef POLYSERVE_BACKENDS_POOL_POOL_H_
#define POLYSERVE_BACKENDS_POOL_POOL_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/pool/back_off.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/pool_parts.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "backends/pool/waiting_room.h"
#include "net/statistics.h"

namespace polyserve {

// What a model adds to a pool. All calls come from the pool's thread, and must not block for long: while one lasts, no
// worker is replaced, no client is passed, and no signal is answered.
class WorkerFactory {
 public:
  virtual ~WorkerFactory() = default;

  // Starts a worker in this slot (the first of its slots, if it has several), which the pool has already marked as
  // idle. The worker serves what PoolWorker::Next() returns (or many clients at once, if it is a loop); in the
  // scoreboard's udp_slot() it runs PoolParts::RunUdpWorker(). When it has ended, its slot must be set to kLeft or
  // kCrashed, and Scoreboard::Wake() be called. On an error no worker was started, and the pool tries again later;
  // Unavailable: the system has no process or thread left.
  virtual absl::Status Start(int slot) = 0;

  // Interrupts whatever the workers wait for, once, so that they notice Signals::stopping(). Called every 50 ms while
  // the server stops, because a worker that is just about to block does not notice.
  virtual void Interrupt() = 0;

  // The others are called with --accept=pass only.

  // True while some worker waits for a client.
  virtual bool HasRoom() = 0;
  // Gives a client to a worker that waits, or to the next one that does.
  virtual void HandOver(Connection client) = 0;
  // True while a client is on its way to a worker that has not taken it, and may have ended. The pool then goes on
  // replacing workers while the server stops.
  virtual bool HasUntaken() { return false; }
  // Dismisses one worker that is idle, any of them. Until it has left, another call may do nothing.
  virtual void DismissOne() = 0;
  // No more clients will come: dismisses every worker, once it has served those on their way. Called once.
  virtual void DismissAll() = 0;
};

// Lives in one thread: the main thread of the parent. Made when serving begins; workers that were started before that
// are in the scoreboard already.
class Pool {
 public:
  // All must outlive it.
  Pool(PoolParts& parts, WorkerFactory& workers);

  // Blocks until the server was told to stop and all workers have left. Answers signals meanwhile. No error ends it: a
  // worker that cannot be started is tried again.
  void Run();

 private:
  void Attend(bool for_clients);
  void AdjustSize();
  void StartWorker();
  void DismissSurplus();
  void ReapWorkers();
  void FillRoom();
  void EmptyRoom();
  void PassBacklog();
  void Start(int slot, Scoreboard::State state, BackOff& back_off);
  bool NeedsUdpWorker() const;
  bool has_udp_worker() const {
    return scoreboard_.udp_slot() >= 0 && scoreboard_.state(scoreboard_.udp_slot()) != Scoreboard::State::kVacant;
  }
  void CloseDrainedUdp();
  bool NeedsOneMore() const;
  absl::Duration UntilNextLook() const;
  int worker_count() const;
  bool passes() const { return options_.accept == AcceptPolicy::kPass; }
  bool has_waiting() const { return room_ != nullptr && !room_->empty(); }

  ServerContext& context_;
  const PoolOptions options_;
  Scoreboard& scoreboard_;
  SharedListeners& shared_listeners_;
  WorkerFactory& workers_;
  WaitingRoom* const room_;  // May be null.
  Acceptor acceptor_;
  BackOff back_off_;
  std::vector<absl::Time> started_;  // By slot.
  int last_started_ = -1;            // The last of its slots.
  int least_;                        // Below this number, workers are started even while others are idle.
  absl::Time next_dismissal_;
  BackOff udp_back_off_;         // Of the UDP worker.
  bool udp_is_drained_ = false;  // The server stops, and the UDP worker takes no more peers.
  bool is_drained_ = false;      // The server stops, and all clients that had connected before were taken.
};

// One worker that serves one client at a time, or such a thread of a worker, as the scoreboard and the statistics see
// it. A model's worker is
//
//   PoolWorker worker(parts, slot, source, context);
//   while (true) {
//     absl::StatusOr<Connection> client = worker.Next();
//     if (!client.ok()) return;
//     DriveBlocking(*std::move(client), context);
//   }
//
// Made in the worker's own thread or process, and used by it alone. Sets the slot to kLeaving when it is destroyed.
class PoolWorker {
 public:
  // All must outlive it. The context must be the worker's own, and count in its slot; it learns whether others wait
  // (ServerContext::others_wait). Pins the thread to a processor with --pin_cpus.
  PoolWorker(PoolParts& parts, int slot, ClientSource& source, ServerContext& context);
  ~PoolWorker();
  PoolWorker(const PoolWorker&) = delete;
  PoolWorker& operator=(const PoolWorker&) = delete;

  // Blocks until the source gives a client; the one before it has been served. Cancelled: the worker is to leave,
  // because it is one too many, has served options.clients_per_worker clients, or the server stops and no client is
  // left.
  absl::StatusOr<Connection> Next();

 private:
  bool OthersWait() const;

  const PoolOptions& options_;
  Scoreboard& scoreboard_;
  const SharedListeners& shared_listeners_;
  const bool has_room_;  // In which clients wait: see PoolParts::waiting_room.
  const int slot_;
  ServerContext& context_;
  ClientSource& source_;
  const WorkerSlot worker_slot_;
  int taken_ = 0;  // Clients, so far.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_H_
