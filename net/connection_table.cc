#include "net/connection_table.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>

namespace polyserve {

namespace {

// How many places are tried for a new connection. While half of the table is free, one attempt in 65,000 fails.
constexpr int kTries = 16;

// The two numbers are kept for each thread, since each costs a system call. A forked child is another process, whose
// only thread is the one that forked: it forgets what its parent knew.
thread_local uint64_t own_number = 0;
[[maybe_unused]] const int kForgetsInChild = ::pthread_atfork(nullptr, nullptr, [] { own_number = 0; });

// Where this thread looks for a free place first: behind the one that it took last, so that threads seldom try the same
// places.
thread_local uint32_t next_place = 0;

uint64_t OwnNumber() {
  if (own_number != 0) return own_number;
  const uint32_t thread = static_cast<uint32_t>(::gettid());
  own_number = uint64_t{static_cast<uint32_t>(::getpid())} << 32 | thread;
  // Threads and processes are numbered one after the other: spread them over the table (Knuth's multiplicative hash).
  next_place = thread * 2654435761u;
  return own_number;
}

pid_t ProcessOf(uint64_t owner) { return static_cast<pid_t>(owner >> 32); }

bool IsAlive(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

// The coarse clock is a word that the kernel keeps in the vDSO: no system call, and a few milliseconds are near enough.
int64_t Now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

using Words = std::atomic<uint64_t>[2];

// `bytes`: an address as IPv6.
void Store(const void* bytes, Words& words) {
  uint64_t copy[2];
  std::memcpy(copy, bytes, sizeof(copy));
  for (int i = 0; i < 2; ++i) words[i].store(copy[i], std::memory_order_relaxed);
}

Endpoint Load(const Words& words, const std::atomic<uint16_t>& port) {
  sockaddr_storage storage = {};
  auto* address = reinterpret_cast<sockaddr_in6*>(&storage);
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(port.load(std::memory_order_relaxed));
  const uint64_t copy[2] = {words[0].load(std::memory_order_relaxed), words[1].load(std::memory_order_relaxed)};
  std::memcpy(&address->sin6_addr, copy, sizeof(copy));
  return Endpoint::FromAddress(storage).AsV4();
}

void Fill(ConnectionTable::Place& place, int service, const Endpoint& peer) {
  const Endpoint as_v6 = peer.AsV6();
  const bool is_known = as_v6.family() == AF_INET6;
  const in6_addr nobody = {};
  Store(is_known ? &reinterpret_cast<const sockaddr_in6*>(as_v6.address())->sin6_addr : &nobody, place.address);
  Store(&nobody, place.client);
  place.port.store(is_known ? peer.port() : 0, std::memory_order_relaxed);
  place.service.store(static_cast<int16_t>(service), std::memory_order_relaxed);
  place.activity.store(ConnectionTable::Activity::kWaits, std::memory_order_relaxed);
  place.requests.store(0, std::memory_order_relaxed);
  place.since.store(Now(), std::memory_order_relaxed);
}

Endpoint PeerOf(const ConnectionTable::Place& place) { return Load(place.address, place.port); }

Endpoint ClientOf(const ConnectionTable::Place& place) {
  const Endpoint client = Load(place.client, place.client_port);
  return client.is_wildcard() ? Endpoint() : client;
}

// Taken: the place is marked with 0xffff... until it is filled, so that no reader sees a half-filled one as its
// owner's.
constexpr uint64_t kBeingFilled = UINT64_MAX;

}  // namespace

ConnectionTable::Entry::~Entry() {
  if (place_ != nullptr) place_->owner.store(0, std::memory_order_release);
}

void ConnectionTable::Entry::ShowClient(const AddressPort& client) {
  if (place_ == nullptr) return;
  place_->client_port.store(client.port, std::memory_order_relaxed);
  Store(client.address.bytes().data(), place_->client);
}

void ConnectionTable::Entry::MoveToThisThread() {
  if (place_ != nullptr) place_->owner.store(OwnNumber(), std::memory_order_release);
}

// A process that is killed while it fills a place leaves it marked for good: one place of 4096, and only if the signal
// comes within these few instructions.
ConnectionTable::Entry ConnectionTable::Enter(int service, const Endpoint& peer) const {
  if (table_ == nullptr) return Entry();
  const uint64_t own = OwnNumber();
  for (int i = 0; i < kTries; ++i) {
    const uint32_t at = (next_place + static_cast<uint32_t>(i)) % kMaxEntries;
    Place& place = table_->places[at];
    uint64_t owner = place.owner.load(std::memory_order_relaxed);
    // The last try may take the place of a process that is gone. This one is known to be alive.
    const bool is_last = i == kTries - 1 && owner != kBeingFilled && ProcessOf(owner) != ProcessOf(own);
    if (owner != 0 && !(is_last && !IsAlive(ProcessOf(owner)))) continue;
    if (!place.owner.compare_exchange_strong(owner, kBeingFilled, std::memory_order_acquire)) continue;
    Fill(place, service, peer);
    place.owner.store(own, std::memory_order_release);
    next_place = at + 1;
    return Entry(&place);
  }
  next_place += kTries;
  return Entry();
}

std::vector<ConnectionTable::Connection> ConnectionTable::List() const {
  std::vector<Connection> connections;
  if (table_ == nullptr) return connections;
  const int64_t now = Now();
  std::unordered_map<pid_t, bool> is_alive;
  for (Place& place : table_->places) {
    uint64_t owner = place.owner.load(std::memory_order_acquire);
    if (owner == 0 || owner == kBeingFilled) continue;
    const auto [known, is_new] = is_alive.try_emplace(ProcessOf(owner), true);
    if (is_new) known->second = IsAlive(ProcessOf(owner));
    if (!known->second) {
      place.owner.compare_exchange_strong(owner, 0);
      continue;
    }
    connections.push_back({ProcessOf(owner), static_cast<pid_t>(owner & UINT32_MAX),
                           place.service.load(std::memory_order_relaxed), PeerOf(place), ClientOf(place),
                           place.activity.load(std::memory_order_relaxed),
                           absl::Nanoseconds(now - place.since.load(std::memory_order_relaxed)),
                           place.requests.load(std::memory_order_relaxed)});
  }
  return connections;
}

}  // namespace polyserve
