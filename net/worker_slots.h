// WorkerSlots: a table, in shared memory, of the processes and threads that serve clients. A worker takes a slot when
// it starts and gives it back when it ends. A worker that is killed cannot do so; but each process also holds a record
// lock (fcntl(2), F_SETLK) on its slot, which the kernel releases however the process ends. The next caller of Sweep()
// thus finds the slot free, and knows how many clients were lost with it, even if no parent waits for that process.
//
//   worker:  Take(clients) ─▶ serves ─▶ Leave()
//                               └▶ killed: the kernel releases the lock ─▶ Sweep() in any other process
//
// A trap of record locks: a process that closes any descriptor of a file loses all of its locks on it (fcntl(2)). So a
// worker must not close another descriptor of this memory while it holds a slot. A forked child inherits no locks.
//
// All calls work from any thread of any process of the server, and take no lock of ours; Sweep() and List() cost a
// system call for each slot in use by another process. Usually used by way of Statistics and WorkerSlot
// (net/statistics.h).
#ifndef POLYSERVE_NET_WORKER_SLOTS_H_
#define POLYSERVE_NET_WORKER_SLOTS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace polyserve {

class WorkerSlots {
 public:
  // A worker that finds no free slot still works, but is not listed. 32 bytes of shared memory each, if ever used.
  static constexpr int kMaxPlaces = 16 * 1024;

  // What a worker counts its requests in, for a report.
  struct Account {
    int row = -1;                 // Of the counters (net/statistics.h); -1: it has none that is its own.
    int64_t requests_before = 0;  // That were counted there before the worker began.
  };

  // The shared part, in memory that all processes map. All zeroes means empty.
  struct Table {
    std::atomic<pid_t> server;  // Outlives all workers, so its own threads need no locks.
    std::atomic<int> used;      // Slots from here on have never been taken.
    std::atomic<int> hint;      // A slot that was free a moment ago.
    struct Place {
      std::atomic<uint64_t> owner;  // Process and thread; 0: free.
      std::atomic<int64_t> clients;
      std::atomic<int64_t> requests_before;
      std::atomic<int> row;
    } places[kMaxPlaces];
  };

  // For reports, such as the page of the status.
  struct Worker {
    pid_t process;
    pid_t thread;
    Account account;
  };

  // `fd` is a descriptor of the memory that holds the table; slots are locked through it. Both must outlive this
  // object.
  WorkerSlots(Table& table, int fd) : table_(table), fd_(fd) {}

  // Takes a slot for the calling thread. `clients` is how many are lost if the thread is killed while it holds the slot
  // (0 if something else accounts for them). Returns the slot, or -1 if none is left. Takes constant time while the
  // hint is good, otherwise looks at each slot once; never waits.
  int Take(int64_t clients, const Account& account) const;
  // Gives a slot back; call it in the thread that took it. -1: nothing.
  void Leave(int place) const;

  // The server's main process, which may be a worker as well, or not.
  pid_t server() const { return table_.server; }

  // The workers that are alive. One that comes or ends meanwhile may be in it or not; of a slot that changes hands the
  // account may be the one before.
  std::vector<Worker> List() const;

  // Frees the slots of workers that were killed. Returns how many clients were lost with them; if several processes
  // sweep at once, each loss is returned to one of them.
  int64_t Sweep() const;

 private:
  bool TakeFree(int place, uint64_t owner, int64_t clients, const Account& account) const;
  bool Lock(int place) const;
  void Unlock(int place) const;
  bool IsAlive(int place, uint64_t owner) const;

  Table& table_;
  const int fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WORKER_SLOTS_H_
