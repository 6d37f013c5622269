#include "backends/leader_queues.h"

namespace polyserve {

// A shared client needs no wake-up here: the thread that adds it takes it, or the next one that is promoted.
void LeaderQueues::Add(ThreadedClient& client) {
  Queue& queue = of(client.owner());
  queue.ready.push_back(client);
  if (is_bound_ && queue.followers > 0) queue.wake.notify_one();
}

ThreadedClient* LeaderQueues::Take(int thread) {
  ThreadedClient::Queue& ready = of(thread).ready;
  if (ready.empty()) return nullptr;
  ThreadedClient& client = ready.front();
  ready.pop_front();
  return &client;
}

void LeaderQueues::Wait(int thread) {
  Queue& queue = of(thread);
  ++queue.followers;
  queue.wake.wait(mutex_);
  --queue.followers;
}

std::condition_variable_any* LeaderQueues::FindNext(int thread, bool needs_leader) {
  Queue& own = of(thread);
  if (!own.ready.empty() && own.followers > 0) return &own.wake;
  if (!needs_leader) return nullptr;
  for (Queue& queue : queues_) {
    if (queue.followers > 0) return &queue.wake;
  }
  return nullptr;
}

void LeaderQueues::WakeAll() {
  for (Queue& queue : queues_) queue.wake.notify_all();
}

}  // namespace polyserve
