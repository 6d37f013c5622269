// Mailbox: what a room has for one of its members, between whoever speaks and the driver that carries the member's
// conversation. Any thread may put messages in; the driver takes them out, when its peer has room for them.
//
// A driver learns of mail in one of two ways: by a Waker that it attaches (or by asking has_mail() often), or, where
// fd() is one, by waiting for that descriptor and then calling Collect().
#ifndef POLYSERVE_BASE_MAILBOX_H_
#define POLYSERVE_BASE_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace polyserve {

// A line with its end, "\n"; shared by all who hear it.
using Message = std::shared_ptr<const std::string>;

// How a driver is told that there is mail, or that the mailbox was cut off. Called from any thread, with locks held:
// it must not call back into a mailbox or a room.
class Waker {
 public:
  virtual void Wake() = 0;

 protected:
  ~Waker() = default;
};

class Mailbox {
 public:
  // What may wait in it. Whoever lets more come together is cut off: one that never reads must not cost memory for
  // ever, nor slow down those who speak. Large enough for what a burst brings while a thread waits for its processor.
  static constexpr size_t kMaxBytes = 4 << 20;
  static constexpr size_t kBytesPerMessage = 32;  // Counted for each message beside its length.

  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  virtual ~Mailbox() = default;

  // --- The driver's side: one thread at a time. ---

  // Sets who is told when mail comes into an empty mailbox, or is there already; null for nobody. Once it returns, the
  // one before is not called any more.
  void Attach(Waker* waker);

  // A descriptor that is readable when there is something to collect; -1: there is none, attach a waker.
  virtual int fd() const { return -1; }
  // Moves what waits behind the descriptor into the mailbox, without waiting, as far as the mailbox takes it.
  virtual void Collect() {}
  // There was more than it took: Next() goes on with it, and until then the descriptor stays readable, so that only its
  // end (POLLHUP) is worth waiting for.
  bool is_full() const { return is_full_.load(std::memory_order_acquire); }

  bool has_mail() const { return next_ < taken_.size() || has_new_.load(std::memory_order_acquire) || is_full(); }
  // The next message, oldest first; null where there is none.
  Message Next();

  // True once the member was cut off: it let too much come together, or its room is gone. The conversation is to be
  // ended at once, without waiting for its peer.
  bool is_cut_off() const { return is_cut_off_.load(std::memory_order_acquire); }

  // --- The room's side: any thread. ---

  // False where it is full; it is cut off then, and empty.
  bool Push(const Message& message);
  void CutOff();

  // What has been pushed, and not been given out by Next().
  size_t waiting_messages() const { return waiting_messages_.load(std::memory_order_relaxed); }
  // The same in bytes, with kBytesPerMessage for each.
  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 protected:
  void set_full(bool is_full) { is_full_.store(is_full, std::memory_order_release); }

 private:
  Mutex mutex_;
  std::vector<Message> new_ ABSL_GUARDED_BY(mutex_);
  Waker* waker_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::atomic<bool> has_new_{false};     // new_ is not empty.
  std::atomic<bool> is_cut_off_{false};  // For good.
  std::atomic<bool> is_full_{false};
  std::atomic<size_t> waiting_messages_{0};
  std::atomic<size_t> waiting_bytes_{0};
  std::vector<Message> taken_;  // The driver's; those before next_ are given out.
  size_t next_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_MAILBOX_H_
