// ConnectionTable: a table, in shared memory, of the open connections: which thread of which process serves each, for
// which peer and service, since when, and what it does for it at this moment. It exists to be looked at: nothing in the
// server depends on it, and a connection that finds no free entry is served all the same.
//
//   the thread that serves:  Enter() ─▶ Entry::Show() ... ─▶ ~Entry()
//   any other process:       List()
//
// A change of what is done costs one store, without ordering: the entry is a cache line that only its owner writes.
// Entries of a process that was killed are freed by List(), or when their place is wanted.
#ifndef POLYSERVE_NET_CONNECTION_TABLE_H_
#define POLYSERVE_NET_CONNECTION_TABLE_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/ip_address.h"
#include "net/endpoint.h"

namespace polyserve {

// A handle: copies are cheap and refer to the same table. Any thread of any process may call it; nothing blocks or
// takes a lock.
class ConnectionTable {
 public:
  // 256 KiB of shared memory, if ever used. More connections than a page could show; counting is the statistics' job.
  static constexpr int kMaxEntries = 4096;

  enum class Activity : uint8_t {
    kWaits,   // For the peer to send.
    kWorks,   // On what has come.
    kSends,   // Until the peer has taken the answer.
    kCloses,  // The answer was the last one.
  };

  // The shared part, in memory that all processes map. All zeroes means empty.
  struct Place;
  struct Table;

  // One connection's entry, or none. Destroy it in the process that made it.
  class Entry {
   public:
    Entry() = default;
    Entry(Entry&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
    Entry& operator=(Entry&& other) = delete;
    ~Entry();
    // Inline, since it runs several times for each request.
    void Show(Activity activity);
    // The peer is a load balancer, which passes on the connection of this client.
    void ShowClient(const AddressPort& client);
    // Adds requests that were answered on this connection.
    void CountRequests(int requests);
    // From now on the calling thread serves it. For connections that pass from one thread to another.
    void MoveToThisThread();

   private:
    friend class ConnectionTable;
    explicit Entry(Place* place) : place_(place) {}
    Place* place_ = nullptr;
  };

  // A table without places: it lists nothing.
  ConnectionTable() = default;
  explicit ConnectionTable(Table& table) : table_(&table) {}

  // Lists a connection of the calling thread. An empty entry if the table is (nearly) full: it looks at a few places
  // only. Costs two system calls for the first entry of each thread, and for the others none.
  Entry Enter(int service, const Endpoint& peer) const;
  // Whether there is anything to enter into; saves finding out the peer.
  bool exists() const { return table_ != nullptr; }

  struct Connection {
    pid_t process;
    pid_t thread;  // That serves it, has served it last, or has given it to a helper.
    int service;   // Its number, as in Statistics.
    Endpoint peer;
    Endpoint client;  // Whose connection the peer passes on; family() AF_UNSPEC: its own.
    Activity activity;
    absl::Duration age;  // In steps of some milliseconds.
    int64_t requests;    // That were answered.
  };
  // All that are listed, in no particular order. Each is what it was at some moment of the call; one that comes or goes
  // meanwhile may be missing, and of a place that changes hands its data may be mixed. Costs a walk over the table, and
  // a system call for each process in it.
  std::vector<Connection> List() const;

 private:
  Table* table_ = nullptr;
};

// A cache line, so that workers do not slow each other down.
struct alignas(64) ConnectionTable::Place {
  std::atomic<uint64_t> owner;  // Process and thread; 0: free. Written last when it is taken, first when it is freed.
  std::atomic<int64_t> requests;
  std::atomic<int64_t> since;        // In nanoseconds of CLOCK_MONOTONIC, which all processes share.
  std::atomic<uint64_t> address[2];  // Of the peer, as IPv6, in the order of the network.
  std::atomic<uint64_t> client[2];   // Whose connection it passes on, in the same form; zeroes: its own.
  std::atomic<uint16_t> port;
  std::atomic<uint16_t> client_port;
  std::atomic<int16_t> service;
  std::atomic<Activity> activity;
};
static_assert(sizeof(ConnectionTable::Place) == 64);

struct ConnectionTable::Table {
  Place places[kMaxEntries];
};

inline void ConnectionTable::Entry::Show(Activity activity) {
  if (place_ != nullptr) place_->activity.store(activity, std::memory_order_relaxed);
}

// A load and a store instead of a locked addition, since nobody else writes.
inline void ConnectionTable::Entry::CountRequests(int requests) {
  if (place_ == nullptr) return;
  place_->requests.store(place_->requests.load(std::memory_order_relaxed) + requests, std::memory_order_relaxed);
}

}  // namespace polyserve

#endif  // POLYSERVE_NET_CONNECTION_TABLE_H_
