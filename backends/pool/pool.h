// Pool: looks after a fixed or changing number of workers, whatever they are. A model says what a worker is
// (WorkerFactory).
//
//   staffing  whoever has ended is replaced, at once or, where workers keep dying young, after a pause. While none is
//             idle, one more is started, up to the most; while several are, one a second is sent away, down to the
//             least. A fixed pool needs no clock: nothing wakes up while nothing happens.
//   passing   with --accept=pass it is the pool that accepts, and only while a worker is idle: those for whom there is
//             none wait in the kernel's queue, where they cost nothing.
//   datagrams are served by one worker more, which is always there (backends/pool/udp_worker.h), and is replaced as
//   others. stopping  workers are interrupted again and again until each has noticed; those who had connected before
//   are served,
//             by new workers where all are busy or have left; listeners at which nobody waits are shut down at once.
#ifndef POLYSERVE_BACKENDS_POOL_POOL_H_
#define POLYSERVE_BACKENDS_POOL_POOL_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/pool/back_off.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"

namespace polyserve {

// What a model adds to a pool. All calls come from the pool's thread.
class WorkerFactory {
 public:
  virtual ~WorkerFactory() = default;

  // Starts a worker in this slot, which runs ServeClients(). Unavailable: the system has no process, no thread left.
  // In the scoreboard's udp_slot() it runs UdpWorker::Run().
  virtual absl::Status Start(int slot) = 0;
  // Interrupts what the workers wait for, once, so that they notice Signals::stopping().
  virtual void Interrupt() = 0;

  // With --accept=pass:
  // True while some worker waits for a client.
  virtual bool HasRoom() = 0;
  // Gives a client to one of those; where there is none any more, to the next one that comes.
  virtual void HandOver(Connection client) = 0;
  // True while a client is on its way to a worker that has not taken it, and may have ended.
  virtual bool HasUntaken() { return false; }
  // Sends away one worker that is idle.
  virtual void DismissOne() = 0;
  // Sends away all, as there are no more clients.
  virtual void DismissAll() = 0;
};

class Pool {
 public:
  // All must outlive it. The scoreboard has as many slots as there may be workers.
  Pool(ServerContext& context, const PoolOptions& options, Scoreboard& scoreboard, SharedListeners& shared_listeners,
       WorkerFactory& workers);

  // Returns when the server was told to stop and all workers have left.
  void Run();

 private:
  void Attend(bool for_clients);
  void AdjustSize();
  void StartWorker();
  void DismissSurplus();
  void ReapWorkers();
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

  ServerContext& context_;
  const PoolOptions options_;
  Scoreboard& scoreboard_;
  SharedListeners& shared_listeners_;
  WorkerFactory& workers_;
  Acceptor acceptor_;
  BackOff back_off_;
  std::vector<absl::Time> started_;  // By slot.
  int last_hired_ = -1;              // The slot.
  int least_;                        // Fewer workers than that are made up for at once.
  absl::Time next_dismissal_;
  BackOff udp_back_off_;         // Of the UDP worker.
  bool udp_is_drained_ = false;  // It takes no more peers, since the server stops.
  bool is_drained_ = false;      // The server stops, and all who had connected before were taken.
};

// What a worker runs, from its start to its end: serves those whom its source gives it. Notes on the scoreboard what it
// does.
void ServeClients(ClientSource& source, Scoreboard& scoreboard, int slot, const PoolOptions& options,
                  ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_POOL_H_
