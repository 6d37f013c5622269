#include "access/address_places.h"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace polyserve {

namespace {

// Beyond twice its bound, an address finds places even if others are crowded around its own.
constexpr int kMinWindow = 64;

// The lower half says whose it is. That 32 bits are the same for two addresses near each other in the table is
// improbable, and since the hash has a key, it cannot be brought about.
uint64_t MarkOf(uint64_t address_key) { return address_key & UINT32_MAX; }
pid_t ProcessOf(uint64_t place) { return static_cast<pid_t>(place >> 32); }

bool IsAlive(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

}  // namespace

// Calls look(place) for the places where connections of this address may be, until it returns false.
template <typename Look>
void AddressPlaces::ForEachPlace(uint64_t address_key, Look look) const {
  const uint64_t first = address_key >> 32;
  const int window = std::min(2 * most_ + kMinWindow, kMaxPlaces);
  for (int i = 0; i < window; ++i) {
    if (!look(table_->places[(first + static_cast<uint64_t>(i)) % kMaxPlaces])) return;
  }
}

// First a place, then the count: of two that do so at once, at least one sees the other, so both cannot take the last
// place. That needs sequential consistency: each side writes its own place and reads the other's.
AddressPlaces::Place AddressPlaces::Enter(uint64_t address_key) const {
  const uint64_t own = uint64_t{static_cast<uint32_t>(::getpid())} << 32 | MarkOf(address_key);
  std::atomic<uint64_t>* taken = nullptr;
  ForEachPlace(address_key, [&](std::atomic<uint64_t>& place) {
    uint64_t expected = 0;
    if (place.load(std::memory_order_relaxed) == 0 && place.compare_exchange_strong(expected, own)) taken = &place;
    return taken == nullptr;
  });
  Place result(taken, false);
  const int counted = taken == nullptr ? 0 : 1;
  if (Count(address_key, /*frees_lost=*/false) - counted < most_) return result;
  if (Count(address_key, /*frees_lost=*/true) - counted < most_) return result;
  return Place(nullptr, true);
}

// The connections of the address. `frees_lost`: not those of processes that are gone, whose places are free from now
// on.
int AddressPlaces::Count(uint64_t address_key, bool frees_lost) const {
  int count = 0;
  ForEachPlace(address_key, [&](std::atomic<uint64_t>& place) {
    uint64_t value = place.load();
    if (value == 0 || MarkOf(value) != MarkOf(address_key)) return true;
    if (frees_lost && !IsAlive(ProcessOf(value)) && place.compare_exchange_strong(value, 0)) return true;
    ++count;
    return true;
  });
  return count;
}

}  // namespace polyserve
