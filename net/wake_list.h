// WakeList: the clients of one loop that have something to do because of an event elsewhere: a chat message from
// another client (of this loop, of another thread, or, through the hub, of another process), or a finished task. Each
// is called once after the loop's iteration, however many events there were. The loop waits for all of them at one
// descriptor.
//
//   any thread:  entry.Wake() ─▶ list ─▶ fd() readable     loop:  TakeWake(), then Deliver() ─▶ client.OnReady()
//
// Wake() may come from any thread; all other calls belong to the loop's thread. Nothing blocks, but for a lock that is
// held for a few instructions.
#ifndef POLYSERVE_NET_WAKE_LIST_H_
#define POLYSERVE_NET_WAKE_LIST_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mailbox.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

// A client that can be woken.
class Wakeable {
 public:
  // Its mailbox has mail or was cut off, or its offloaded task is done. May destroy this client, and any entries of the
  // list.
  virtual void OnReady() = 0;

 protected:
  ~Wakeable() = default;
};

// The entries form a queue under a lock; a flag beside it lets the loop look without the lock. The loop's pattern:
//
//   while (...) {
//     wait for fd() and the loop's other descriptors, without waiting at all if !list.empty();
//     if (fd() is readable) list.TakeWake();
//     ... serve the loop's other descriptors ...
//     list.Deliver();
//   }
class WakeList {
 public:
  // One client's membership in the list; watches its mailbox, if it has one. Both must outlive it: destroy it before
  // the mailbox. A mailbox that gets its messages from another process has a descriptor; if the system cannot watch it,
  // the mailbox is cut off, with a warning.
  class Entry final : public Waker {
   public:
    Entry(WakeList& list, Wakeable& client) : list_(list), client_(client), mailbox_(nullptr) {}
    Entry(WakeList& list, Wakeable& client, Mailbox& mailbox);
    ~Entry();
    // Lists the client; does nothing if it is listed already. Any thread.
    void Wake() override { list_.Add(*this); }

   private:
    friend class WakeList;
    void WatchRoom(bool room);
    WakeList& list_;
    Wakeable& client_;
    Mailbox* const mailbox_;
    bool watches_room_ = false;  // At the mailbox's descriptor.
    bool is_listed_ = false;     // Guarded by the list's lock.
    Entry** place_ = nullptr;    // In called_, while its call is still to come.
  };

  // Call it before each wait of a client: creates its entry once it has a mailbox, and watches for room if its session
  // waits for that (Mailbox::awaits_room()). Does nothing while the mailbox is null.
  void Watch(Mailbox* mailbox, Wakeable& client, std::unique_ptr<Entry>& entry) {
    if (mailbox == nullptr) return;
    if (entry == nullptr) entry = std::make_unique<Entry>(*this, client, *mailbox);
    if (mailbox->awaits_room()) entry->WatchRoom(true);
  }

  // Fails if the process has no descriptors left.
  static absl::StatusOr<std::unique_ptr<WakeList>> Create();

  // Declares that from now on the calling thread is the one that calls Deliver(). Wakes from this thread need no system
  // call, since it looks at empty() before it waits.
  void BelongToThisThread() { owner_ = ::pthread_self(); }

  // Readable after a wake from another thread or process. Call TakeWake(), then Deliver().
  int fd() const { return epoll_.get(); }
  void TakeWake();

  // Makes fd() readable until TakeWake(), with nobody to deliver to: ends the loop's wait. Any thread.
  void Interrupt();

  // True if no client is listed. Look before a wait: with clients listed, do not wait at all.
  bool empty() const { return is_empty_.load(std::memory_order_acquire); }
  // Calls OnReady() of every listed client. Clients that are woken meanwhile wait for the next call. A client may be
  // listed twice, for its mailbox and for its task; the first call may destroy the entry of the second.
  void Deliver();

 private:
  WakeList(UniqueFd wakes, UniqueFd epoll) : wakes_(std::move(wakes)), epoll_(std::move(epoll)) {}
  bool WatchDescriptor(int operation, int fd, Entry* entry, uint32_t events);
  void Add(Entry& entry);
  void Remove(Entry& entry);

  const UniqueFd wakes_;  // An eventfd, watched edge-triggered, so that it need not be read.
  const UniqueFd epoll_;  // For it, and for the mailboxes that have descriptors.
  std::atomic<pthread_t> owner_{};
  Mutex mutex_;
  std::vector<Entry*> woken_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> is_empty_{true};  // woken_ is.
  std::vector<Entry*> called_;        // Empty but within Deliver(). Null: was destroyed before its call.
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WAKE_LIST_H_
