// ClientQueue: hands clients from the thread that accepts to those that serve. Bounded by nature: there is room only
// while more threads wait than clients do, so that nobody is accepted for whom there is no thread.
#ifndef POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_
#define POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "base/mutex.h"

namespace polyserve {

class ClientQueue {
 public:
  // `on_room` is called by each thread that comes to wait, and must neither block nor call back.
  explicit ClientQueue(std::function<void()> on_room) : on_room_(std::move(on_room)) {}

  bool HasRoom();
  void Push(Connection client);
  // Waits for a client. Cancelled: this thread is dismissed, or the queue is closed, and empty.
  absl::StatusOr<Connection> Pop();

  // Dismisses one of those who wait; asking again before it has left changes nothing.
  void DismissOne();
  void Close();

 private:
  const std::function<void()> on_room_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Connection> clients_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool dismisses_one_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_
