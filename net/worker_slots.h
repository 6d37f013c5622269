// WorkerSlots: the processes and threads that serve clients, in memory that all of them share. Whoever begins to work
// takes a place, and leaves it at the end. A worker that is killed cannot do so; but a process also holds a record lock
// (fcntl(2), F_SETLK) on its place, which the kernel releases however it ends. So its place is found to be free, and
// it is known how many clients were lost with it, by whoever looks next, even where nobody waits for that process.
#ifndef POLYSERVE_NET_WORKER_SLOTS_H_
#define POLYSERVE_NET_WORKER_SLOTS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace polyserve {

class WorkerSlots {
 public:
  // Whoever finds no place works all the same, but is not listed.
  static constexpr int kMaxPlaces = 16 * 1024;

  // What is shared; all zeroes is empty.
  struct Table {
    std::atomic<pid_t> server;  // Outlives all others, so that its threads need no locks.
    std::atomic<int> used;      // All places from here on have never been taken.
    std::atomic<int> hint;      // One that was free a moment ago.
    struct Place {
      std::atomic<uint64_t> owner;  // Process and thread; 0: free.
      std::atomic<int64_t> clients;
    } places[kMaxPlaces];
  };

  struct Worker {
    pid_t process;
    pid_t thread;
  };

  // The table, and a descriptor of the memory that it is in, which is locked; both must outlive it.
  WorkerSlots(Table& table, int fd) : table_(table), fd_(fd) {}

  // For the calling thread. `clients` are lost where it is killed in its place, unless somebody else accounts for them.
  // Returns the place; -1 where none is left.
  int Take(int64_t clients) const;
  void Leave(int place) const;

  std::vector<Worker> List() const;

  // Frees the places of those who were killed. Returns how many clients were lost with them.
  int64_t Sweep() const;

 private:
  bool TakeFree(int place, uint64_t owner, int64_t clients) const;
  bool Lock(int place) const;
  void Unlock(int place) const;
  bool IsAlive(int place, uint64_t owner) const;

  Table& table_;
  const int fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WORKER_SLOTS_H_
