// WakeList: the clients of one loop for whom something has come from elsewhere: a message from another client, of this
// loop or of another thread. Whoever is woken is called after the loop's turn, once for all that has come until then.
#ifndef POLYSERVE_ROOM_WAKE_LIST_H_
#define POLYSERVE_ROOM_WAKE_LIST_H_

#include <pthread.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "room/mailbox.h"

namespace polyserve {

// A client that can be woken.
class Wakeable {
 public:
  // Its mailbox has something, or was cut off. May destroy this client, and no other.
  virtual void OnMail() = 0;

 protected:
  ~Wakeable() = default;
};

class WakeList {
 public:
  // A client's place in the list. To be destroyed after the client's mailbox is, or after Attach() took it off that.
  class Entry final : public Waker {
   public:
    Entry(WakeList& list, Wakeable& client) : list_(list), client_(client) {}
    ~Entry() { list_.Remove(*this); }
    void Wake() override { list_.Add(*this); }

   private:
    friend class WakeList;
    WakeList& list_;
    Wakeable& client_;
    bool is_listed_ = false;  // Guarded by the list's lock.
  };

  // Fails for want of descriptors.
  static absl::StatusOr<std::unique_ptr<WakeList>> Create();

  // Says that the calling thread is the one that calls Deliver() from now on. A wake from within it costs no system
  // call, since it looks at the list before it waits.
  void BelongToThisThread() { owner_ = ::pthread_self(); }

  // Readable when another thread has woken somebody. Take it, and Deliver().
  int fd() const { return fd_.get(); }
  void TakeWake();

  bool empty() const { return is_empty_.load(std::memory_order_acquire); }
  // Calls all who are on the list. Those who are woken meanwhile are left for the next time.
  void Deliver();

 private:
  explicit WakeList(UniqueFd fd) : fd_(std::move(fd)) {}
  void Add(Entry& entry);
  void Remove(Entry& entry);

  const UniqueFd fd_;  // An eventfd.
  std::atomic<pthread_t> owner_{};
  Mutex mutex_;
  std::vector<Entry*> woken_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> is_empty_{true};  // woken_ is.
  std::vector<Entry*> called_;        // Empty but within Deliver().
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_WAKE_LIST_H_
