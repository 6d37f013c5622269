#include "backends/pool/client_queue.h"

#include <utility>

namespace polyserve {

namespace {

class QueueSource : public ClientSource {
 public:
  explicit QueueSource(ClientQueue& queue) : queue_(queue) {}
  absl::StatusOr<Connection> Next() override { return queue_.Pop(); }

 private:
  ClientQueue& queue_;
};

}  // namespace

std::unique_ptr<ClientSource> ClientQueue::Open() { return std::make_unique<QueueSource>(*this); }

bool ClientQueue::HasRoom() {
  MutexLock lock(mutex_);
  // A thread that has been notified counts as waiting until it holds the lock again. Its client is still in the queue
  // then, so the comparison is right all the same.
  return clients_.size() < waiting_;
}

void ClientQueue::Push(Connection client) {
  {
    MutexLock lock(mutex_);
    clients_.push_back(std::move(client));
  }
  // Outside the lock, so that the thread that wakes does not find it taken. Any waiting thread will do.
  changed_.notify_one();
}

absl::StatusOr<Connection> ClientQueue::Pop() {
  MutexLock lock(mutex_);
  ++waiting_;
  // After the count: the pool wakes, asks HasRoom(), and must find this thread among those that wait.
  on_room_();
  // A loop, because a wait may end for no reason, and another thread may have taken the client.
  while (clients_.empty() && !dismisses_one_ && !is_closed_) changed_.wait(mutex_);
  --waiting_;
  // A client comes before a dismissal: it was accepted because this thread was waiting for it. The dismissal stays for
  // the next thread.
  if (!clients_.empty()) {
    Connection client = std::move(clients_.front());
    clients_.pop_front();
    return client;
  }
  // One call of DismissOne() is for one thread; a queue that is closed dismisses all of them.
  dismisses_one_ = false;
  return absl::CancelledError("dismissed");
}

void ClientQueue::DismissOne() {
  {
    MutexLock lock(mutex_);
    dismisses_one_ = true;
  }
  changed_.notify_one();
}

void ClientQueue::Close() {
  {
    MutexLock lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace polyserve
