#include "access/token_buckets.h"

#include <algorithm>

namespace polyserve {

namespace {

constexpr int kEntriesOfSet = 8;
static_assert(TokenBuckets::kMaxAddresses % kEntriesOfSet == 0);

}  // namespace

TokenBuckets::TokenBuckets(Table& table, int burst, absl::Duration interval)
    : table_(&table), burst_(burst), interval_ns_(absl::ToInt64Nanoseconds(interval)) {}

// Where an address may stand.
TokenBuckets::Entry* TokenBuckets::SetOf(uint64_t address_key) const {
  return &table_->entries[address_key % (kMaxAddresses / kEntriesOfSet) * kEntriesOfSet];
}

TokenBuckets::Entry* TokenBuckets::Find(uint64_t address_key) const {
  Entry* set = SetOf(address_key);
  Entry* found =
      std::find_if(set, set + kEntriesOfSet, [&](const Entry& entry) { return entry.address == address_key; });
  return found == set + kEntriesOfSet ? nullptr : found;
}

// A new address takes the place of the one whose bucket is full first: if that is the case already, nothing is
// forgotten. Two processes that do so at once leave one of the two; the other address gets a token too many.
TokenBuckets::Entry& TokenBuckets::FindOrMake(uint64_t address_key, int64_t now) const {
  if (Entry* entry = Find(address_key); entry != nullptr) return *entry;
  Entry* set = SetOf(address_key);
  Entry* entry =
      std::min_element(set, set + kEntriesOfSet, [](const Entry& a, const Entry& b) { return a.full_at < b.full_at; });
  entry->address = address_key;
  entry->full_at = now;
  entry->taken_at = INT64_MIN;
  return *entry;
}

// A bucket without tokens is full in burst_ intervals; one that lacks k tokens, in k.
bool TokenBuckets::Take(uint64_t address_key, absl::Duration now_duration) const {
  const int64_t now = absl::ToInt64Nanoseconds(now_duration);
  Entry& entry = FindOrMake(address_key, now);
  int64_t before = entry.full_at;
  int64_t after = 0;
  do {
    after = std::max(before, now) + interval_ns_;
    if (after - now > burst_ * interval_ns_) return false;
  } while (!entry.full_at.compare_exchange_weak(before, after));
  entry.taken_at = now;
  return true;
}

// If the entry was given to another address meanwhile, there is nothing to give back.
void TokenBuckets::GiveBack(uint64_t address_key) const {
  if (Entry* entry = Find(address_key); entry != nullptr) entry->full_at -= interval_ns_;
}

absl::Duration TokenBuckets::LastTaken(uint64_t address_key) const {
  const Entry* entry = Find(address_key);
  const int64_t taken_at = entry == nullptr ? INT64_MIN : entry->taken_at.load();
  return taken_at == INT64_MIN ? -absl::InfiniteDuration() : absl::Nanoseconds(taken_at);
}

}  // namespace polyserve
