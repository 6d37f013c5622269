// WakeList: the clients of one loop for whom something has come from elsewhere: a message of another client, of this
// loop, of another thread, or, by way of the hub, of another process. Whoever is woken is called after the loop's turn,
// once for all that has come until then. A loop sees all of it as one descriptor.
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
  // Its mailbox has something, or was cut off, or what it has others do is done. May destroy this client, and no other.
  virtual void OnReady() = 0;

 protected:
  ~Wakeable() = default;
};

class WakeList {
 public:
  // A client's place in the list, and what watches its mailbox, if any: to be destroyed before that. Where there is no
  // descriptor left to watch one that needs it, the mailbox is cut off.
  class Entry final : public Waker {
   public:
    Entry(WakeList& list, Wakeable& client) : list_(list), client_(client), mailbox_(nullptr) {}
    Entry(WakeList& list, Wakeable& client, Mailbox& mailbox);
    ~Entry();
    void Wake() override { list_.Add(*this); }

   private:
    friend class WakeList;
    WakeList& list_;
    Wakeable& client_;
    Mailbox* const mailbox_;
    bool is_listed_ = false;  // Guarded by the list's lock.
  };

  // Makes an entry for a client that may come to have a mailbox: not while that is null, and not twice.
  void Watch(Mailbox* mailbox, Wakeable& client, std::unique_ptr<Entry>& entry) {
    if (mailbox != nullptr && entry == nullptr) entry = std::make_unique<Entry>(*this, client, *mailbox);
  }

  // Fails for want of descriptors.
  static absl::StatusOr<std::unique_ptr<WakeList>> Create();

  // Says that the calling thread is the one that calls Deliver() from now on. A wake from within it costs no system
  // call, since it looks at the list before it waits.
  void BelongToThisThread() { owner_ = ::pthread_self(); }

  // Readable when another thread has woken somebody, or another process has sent something. Take it, and Deliver().
  int fd() const { return epoll_.get(); }
  void TakeWake();

  bool empty() const { return is_empty_.load(std::memory_order_acquire); }
  // Calls all who are on the list. Those who are woken meanwhile are left for the next time.
  void Deliver();

 private:
  WakeList(UniqueFd wakes, UniqueFd epoll) : wakes_(std::move(wakes)), epoll_(std::move(epoll)) {}
  bool WatchDescriptor(int fd, Entry* entry, uint32_t events);
  void Add(Entry& entry);
  void Remove(Entry& entry);

  const UniqueFd wakes_;  // An eventfd. Its edges are what counts; nobody reads it.
  const UniqueFd epoll_;  // For it, and for the mailboxes that have descriptors.
  std::atomic<pthread_t> owner_{};
  Mutex mutex_;
  std::vector<Entry*> woken_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> is_empty_{true};  // woken_ is.
  std::vector<Entry*> called_;        // Empty but within Deliver().
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_WAKE_LIST_H_
