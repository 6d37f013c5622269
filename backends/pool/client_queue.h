// ClientQueue: hands clients from the thread that accepts to the threads that serve (--accept=pass). ClientChannel is
// the same for processes.
//
//   main thread  HasRoom() ─▶ accept ─▶ Push() ──▶ queue ──▶ Open()->Next()  any worker that is idle
//
// Bounded without a limit of its own: there is room only while more threads wait than clients do, so no client is
// accepted before a thread is free for it.
#ifndef POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_
#define POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/pool/client_source.h"
#include "base/mutex.h"

namespace polyserve {

// Any thread may make any of the calls. All but Pop(), and Next() of a source, return at once.
class ClientQueue {
 public:
  // `on_room` is called by each thread that begins to wait, with the queue's lock held: it must neither block nor call
  // the queue.
  explicit ClientQueue(std::function<void()> on_room) : on_room_(std::move(on_room)) {}

  // True while more threads wait in Pop() than clients are queued: Push() then finds a thread for its client. It stays
  // true until the next Push() if a single thread pushes, and neither DismissOne() nor Close() is called.
  bool HasRoom();

  // Takes the client over. If there is no room, the client waits until a thread calls Pop().
  void Push(Connection client);

  // Waits for a client; the oldest comes first. A signal does not end the wait. Cancelled: this thread is to leave,
  // because it was dismissed, or the queue is closed; no client is left in it then.
  absl::StatusOr<Connection> Pop();

  // The same as a worker's source: its Next() is Pop(). The queue must outlive it.
  std::unique_ptr<ClientSource> Open();

  // Dismisses one thread that waits, or the next one that does. Until a thread has left, another call changes nothing.
  void DismissOne();

  // No more clients will come: all threads are dismissed once the queue is empty.
  void Close();

 private:
  const std::function<void()> on_room_;
  Mutex mutex_;
  // A client has come, or a dismissal.
  std::condition_variable_any changed_;
  std::deque<Connection> clients_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // Threads in Pop().
  bool dismisses_one_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_CLIENT_QUEUE_H_
