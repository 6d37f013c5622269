#include "access/address_limits.h"

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"
#include "access/address_key.h"

namespace polyserve {

namespace {

// CLOCK_MONOTONIC, which all processes share, and which cannot be set.
absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

}  // namespace

AddressLimits::AddressLimits(const Options& options, Table& table, BoundCounters& counters)
    : options_(options),
      table_(table),
      counters_(counters),
      requests_(table.requests, std::max(1, options.requests_per_second),
                absl::Seconds(1) / std::max(1, options.requests_per_second)),
      connections_(table.connections, options.connections) {}

AddressPlaces::Place AddressLimits::Enter(absl::string_view address) const {
  if (!has_connections()) return AddressPlaces::Place();
  AddressPlaces::Place place = connections_.Enter(AddressKey(table_.key, address));
  if (place.is_refused()) CountBound(&counters_, &BoundCounters::max_connections_per_address);
  return place;
}

bool AddressLimits::TakeRequest(absl::string_view address) const {
  if (!has_rate() || requests_.Take(AddressKey(table_.key, address), SteadyNow())) return true;
  CountBound(&counters_, &BoundCounters::rate_per_address);
  return false;
}

}  // namespace polyserve
