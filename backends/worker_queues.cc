#include "backends/worker_queues.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

DEFINE_string(steal, "half", "=half|one|none stealing: what an idle worker takes of the clients that wait for another");

namespace polyserve {

absl::StatusOr<WorkerQueues::Loot> WorkerQueues::LootFromFlags() {
  if (FLAGS_steal == "half") return Loot::kHalf;
  if (FLAGS_steal == "one") return Loot::kOne;
  if (FLAGS_steal == "none") return Loot::kNone;
  return absl::InvalidArgumentError(absl::StrCat("--steal=", FLAGS_steal, " is not one of half, one, none"));
}

WorkerQueues::WorkerQueues(const Statistics& statistics, int workers, Loot loot) : loot_(loot) {
  for (int worker = 0; worker < workers; ++worker) queues_.emplace_back(statistics.OfWorker(worker).queue());
}

size_t WorkerQueues::Put(int worker, ThreadedClient& client) {
  Queue& own = at(worker);
  client.queued_since = Clock::now();
  const size_t length = own.clients.size() + 1;
  // Before others can take it: the gauge never says less than there are.
  own.counters.CountArrival(static_cast<int64_t>(length));
  own.clients.Put(client);
  return length;
}

ThreadedClient* WorkerQueues::Take(int worker) {
  Queue& own = at(worker);
  ThreadedClient* client = nullptr;
  if (own.clients.Take(Clients::Share::kOne, &client) == 0) return nullptr;
  own.counters.CountTurn(Clock::now() - client->queued_since);
  return client;
}

// Each thief begins with its neighbour, so that two of them meet at one victim only if the others have nothing. Half of
// a long queue, and not all: its owner goes on with the rest, and the next thief finds two queues to take from.
ThreadedClient* WorkerQueues::Steal(int worker) {
  if (loot_ == Loot::kNone) return nullptr;
  const Clients::Share share = loot_ == Loot::kOne ? Clients::Share::kOne : Clients::Share::kHalf;
  std::array<ThreadedClient*, Clients::kMostTaken> loot;
  Queue& own = at(worker);
  for (size_t i = 1; i < queues_.size(); ++i) {
    Queue& victim = queues_[(static_cast<size_t>(worker) + i) % queues_.size()];
    const size_t count = victim.clients.Take(share, loot.data());
    if (count == 0) continue;
    victim.counters.waiting.fetch_sub(static_cast<int64_t>(count), std::memory_order_relaxed);
    own.counters.waiting.fetch_add(static_cast<int64_t>(count), std::memory_order_relaxed);
    own.counters.stolen.fetch_add(static_cast<int64_t>(count), std::memory_order_relaxed);
    for (size_t k = 1; k < count; ++k) own.clients.Put(*loot[k]);
    own.counters.CountTurn(Clock::now() - loot[0]->queued_since);
    return loot[0];
  }
  return nullptr;
}

bool WorkerQueues::has_work(int worker) const {
  if (loot_ == Loot::kNone) return queues_[static_cast<size_t>(worker)].clients.size() > 0;
  return std::any_of(queues_.begin(), queues_.end(), [](const Queue& queue) { return queue.clients.size() > 0; });
}

}  // namespace polyserve
