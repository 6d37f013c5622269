// AddressPlaces: holds the connections of one address to a number, over all threads and processes of a server, even if
// some of them are killed. Each connection takes a place in a table in shared memory.
//
//   Enter() ─┬▶ a Place, until it is destroyed
//            └▶ a Place that is_refused(): the address has as many as it may have
//
// A place is one word, the process and a hash of the address, so that a process may be killed at any point: whoever
// finds an address full frees the places of processes that are gone.
#ifndef POLYSERVE_ACCESS_ADDRESS_PLACES_H_
#define POLYSERVE_ACCESS_ADDRESS_PLACES_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace polyserve {

// A handle. Any thread of any process; nothing blocks or takes a lock.
class AddressPlaces {
 public:
  // 128 KiB. Connections that find no place are not counted, and not refused either.
  static constexpr int kMaxPlaces = 16384;
  // The most that an address can be held to. Each Enter() looks at twice as many places as an address may have.
  static constexpr int kMaxOfAddress = 4096;

  // All zeroes: no connections.
  struct Table;

  // One connection's place, or none. Destroy it in the process that made it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : place_(std::exchange(other.place_, nullptr)), is_refused_(std::exchange(other.is_refused_, false)) {}
    Place& operator=(Place&& other) = delete;
    ~Place() {
      if (place_ != nullptr) place_->store(0, std::memory_order_release);
    }
    // The address has too many connections already, and this one does not count.
    bool is_refused() const { return is_refused_; }

   private:
    friend class AddressPlaces;
    Place(std::atomic<uint64_t>* place, bool is_refused) : place_(place), is_refused_(is_refused) {}
    std::atomic<uint64_t>* place_ = nullptr;
    bool is_refused_ = false;
  };

  // `most`: connections of one address, from 1 to kMaxOfAddress. The table must outlive it and its places.
  AddressPlaces(Table& table, int most) : table_(&table), most_(most) {}

  // Takes a place for this address, an AddressKey(). The bound is never exceeded; if several connections come at the
  // same moment, and there are places for some of them, all may be refused. Costs a system call, and one more for each
  // connection of an address that seems to be full.
  Place Enter(uint64_t address_key) const;

 private:
  int Count(uint64_t address_key, bool frees_lost) const;
  template <typename Look>
  void ForEachPlace(uint64_t address_key, Look look) const;

  Table* const table_;
  const int most_;
};

struct AddressPlaces::Table {
  std::atomic<uint64_t> places[kMaxPlaces];
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ADDRESS_PLACES_H_
