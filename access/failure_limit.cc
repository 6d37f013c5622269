#include "access/failure_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"

namespace polyserve {

namespace {

constexpr int kEntriesOfSet = 8;
static_assert(FailureLimit::kMaxAddresses % kEntriesOfSet == 0);
constexpr size_t kNetworkBytes = 8;  // Of an IPv6 address.

// What counts as one address: the bytes of an IPv6 network; any other text as it is.
std::string NetworkOf(absl::string_view address) {
  const std::string text(address.substr(0, address.find('%')));  // Without the scope of a link-local address.
  in6_addr v6;
  if (!absl::StrContains(text, ':') || ::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  return std::string(reinterpret_cast<const char*>(&v6), kNetworkBytes);
}

}  // namespace

FailureLimit::FailureLimit(Table& table, const HashKey& key, int per_minute)
    : table_(&table),
      key_(&key),
      burst_(per_minute),
      interval_ns_(per_minute == 0 ? 0 : absl::ToInt64Nanoseconds(absl::Minutes(1) / per_minute)) {}

// 0 stands for a free entry, so no address may have it.
uint64_t FailureLimit::KeyOf(absl::string_view address) const {
  return std::max<uint64_t>(1, KeyedHash(*key_, {NetworkOf(address)})[0]);
}

FailureLimit::Entry* FailureLimit::Find(uint64_t address_key) const {
  Entry* set = &table_->entries[address_key % (kMaxAddresses / kEntriesOfSet) * kEntriesOfSet];
  Entry* found =
      std::find_if(set, set + kEntriesOfSet, [&](const Entry& entry) { return entry.address == address_key; });
  return found == set + kEntriesOfSet ? nullptr : found;
}

// A new address takes the place of the one whose bucket is full first: if that is the case already, nothing is
// forgotten. Two processes that do so at once leave one of the two; the other address gets a token too many.
FailureLimit::Entry& FailureLimit::FindOrMake(uint64_t address_key, int64_t now) const {
  if (Entry* entry = Find(address_key); entry != nullptr) return *entry;
  Entry* set = &table_->entries[address_key % (kMaxAddresses / kEntriesOfSet) * kEntriesOfSet];
  Entry* entry =
      std::min_element(set, set + kEntriesOfSet, [](const Entry& a, const Entry& b) { return a.full_at < b.full_at; });
  entry->address = address_key;
  entry->full_at = now;
  entry->begun_at = 0;
  return *entry;
}

// A bucket without tokens is full in burst_ intervals; one that lacks k tokens, in k.
FailureLimit::Answer FailureLimit::Take(absl::string_view address, absl::Duration now_duration) const {
  if (burst_ == 0) return Answer::kGo;
  const int64_t now = absl::ToInt64Nanoseconds(now_duration);
  Entry& entry = FindOrMake(KeyOf(address), now);
  int64_t before = entry.full_at;
  int64_t after = 0;
  do {
    after = std::max(before, now) + interval_ns_;
    if (after - now > burst_ * interval_ns_) {
      const bool is_under_way = now - entry.begun_at < absl::ToInt64Nanoseconds(kUnderWay);
      return is_under_way ? Answer::kSoon : Answer::kTooMany;
    }
  } while (!entry.full_at.compare_exchange_weak(before, after));
  entry.begun_at = now;
  return Answer::kGo;
}

int FailureLimit::retry_seconds() const {
  constexpr int64_t kSecond = 1'000'000'000;
  return static_cast<int>((interval_ns_ + kSecond - 1) / kSecond);
}

// If the entry was given to another address meanwhile, there is nothing to give back.
void FailureLimit::GiveBack(absl::string_view address) const {
  if (burst_ == 0) return;
  if (Entry* entry = Find(KeyOf(address)); entry != nullptr) entry->full_at -= interval_ns_;
}

}  // namespace polyserve
