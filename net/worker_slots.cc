#include "net/worker_slots.h"

#include <fcntl.h>
#include <unistd.h>

namespace polyserve {

namespace {

// On the byte whose offset is the place's number; what the byte holds does not matter.
struct flock LockOf(int place, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return lock;
}

// Both numbers in one word, so that a slot changes hands in one atomic step. A process id is never 0.
uint64_t Owner(pid_t process, pid_t thread) {
  return uint64_t{static_cast<uint32_t>(process)} << 32 | static_cast<uint32_t>(thread);
}

pid_t ProcessOf(uint64_t owner) { return static_cast<pid_t>(owner >> 32); }

}  // namespace

// The search begins at a slot that was free a moment ago: with a worker for each client, one from the beginning would
// pass over all that are taken. `used` only grows; it bounds what List() and Sweep() look at. The hint may be one
// beyond the last slot, hence the modulo. It is only a guess, which threads may overwrite for each other.
int WorkerSlots::Take(int64_t clients, const Account& account) const {
  const uint64_t owner = Owner(::getpid(), ::gettid());
  const int hint = table_.hint.load(std::memory_order_relaxed) % kMaxPlaces;
  for (int i = 0; i < kMaxPlaces; ++i) {
    const int place = (hint + i) % kMaxPlaces;
    if (!TakeFree(place, owner, clients, account)) continue;
    table_.hint = place + 1;
    for (int used = table_.used; used <= place && !table_.used.compare_exchange_weak(used, place + 1);) {
    }
    return place;
  }
  return -1;
}

// The lock comes first: a worker without one, other than the server, counts as dead, and a sweep in between would free
// its slot. F_SETLK does not wait; if another process has the lock, that process is about to enter its own name.
//
// The clients come before the name: those of a predecessor that was killed are still there, and would be counted again
// if this worker were killed in between. The lock keeps other processes from the slot meanwhile. The server's threads
// take no lock, and write no clients: they are never counted as dead. The account comes last, since two of these
// threads may want the same slot.
bool WorkerSlots::TakeFree(int place, uint64_t owner, int64_t clients, const Account& account) const {
  Table::Place& wanted = table_.places[place];
  if (wanted.owner.load(std::memory_order_relaxed) != 0) return false;
  const bool needs_lock = ProcessOf(owner) != table_.server;
  if (needs_lock && !Lock(place)) return false;
  // Asked again: another worker may have taken the slot before the lock, and been killed. Its clients count.
  if (needs_lock && wanted.owner == 0) wanted.clients = clients;
  // Two threads may have seen the slot free; the server's take no lock, so the exchange alone decides between them.
  uint64_t nobody = 0;
  if (!wanted.owner.compare_exchange_strong(nobody, owner)) {
    if (needs_lock) Unlock(place);
    return false;
  }
  wanted.requests_before = account.requests_before;
  wanted.row = account.row;
  return true;
}

// The name goes before the lock, by the same rule. The clients go first of all: a worker that is killed within this
// function has none left to lose.
void WorkerSlots::Leave(int place) const {
  if (place < 0) return;
  table_.places[place].clients = 0;
  table_.places[place].row = -1;
  table_.places[place].owner = 0;
  table_.hint = place;
  if (::getpid() != table_.server) Unlock(place);
}

std::vector<WorkerSlots::Worker> WorkerSlots::List() const {
  std::vector<Worker> workers;
  const int used = table_.used;
  for (int place = 0; place < used; ++place) {
    const uint64_t owner = table_.places[place].owner;
    if (owner == 0 || !IsAlive(place, owner)) continue;
    const Table::Place& listed = table_.places[place];
    workers.push_back({ProcessOf(owner), static_cast<pid_t>(owner & UINT32_MAX), {listed.row, listed.requests_before}});
  }
  return workers;
}

// `clients` is read before the slot is freed, since the next owner overwrites it; until then nobody does. Two processes
// may sweep the same slot; the one whose exchange succeeds reports the loss.
int64_t WorkerSlots::Sweep() const {
  int64_t lost = 0;
  const int used = table_.used;
  for (int place = 0; place < used; ++place) {
    Table::Place& swept = table_.places[place];
    uint64_t owner = swept.owner;
    if (owner == 0 || IsAlive(place, owner)) continue;
    const int64_t clients = swept.clients;
    if (swept.owner.compare_exchange_strong(owner, 0)) lost += clients;  // Else another one was quicker.
  }
  return lost;
}

bool WorkerSlots::Lock(int place) const {
  struct flock lock = LockOf(place, F_WRLCK);
  return ::fcntl(fd_, F_SETLK, &lock) == 0;
}

void WorkerSlots::Unlock(int place) const {
  struct flock lock = LockOf(place, F_UNLCK);
  ::fcntl(fd_, F_SETLK, &lock);
}

// F_GETLK reports a lock of another process only, never one's own, so a slot of this process counts as alive by its
// name. If the call fails, the worker counts as alive: a loss that is counted late does less harm than one that never
// was.
bool WorkerSlots::IsAlive(int place, uint64_t owner) const {
  const pid_t process = ProcessOf(owner);
  if (process == ::getpid() || process == table_.server) return true;
  struct flock lock = LockOf(place, F_WRLCK);
  return ::fcntl(fd_, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace polyserve
