// Mailbox: the queue of messages from a chat room to one of its members. Any thread may push; the driver that serves
// the member's connection pops, when the peer has room for more. No call waits, except for a lock that is held while
// one message is appended.
//
//   speakers ── Push() ─▶ new_ (under a lock) ── swapped as a whole ─▶ taken_ (the driver's) ── Next() ─▶ peer
//                           │
//                           └─ was empty: Waker::Wake(), at once or by WakeIfDue()
//
// A driver learns of mail in one of two ways: by attaching a Waker (or polling has_mail()), or, if fd() is not -1, by
// waiting for that descriptor and then calling Collect(). A mailbox that was cut off stays cut off.
//
// Behind the descriptor of a mailbox may be a stream that its session writes to as well. While that is full, the
// session takes no input (awaits_room()): the driver then reads nothing from the peer, and waits for the descriptor to
// be writable, too.
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

// A line, including its "\n"; shared by all mailboxes that it is in.
using Message = std::shared_ptr<const std::string>;

// Notifies a driver that there is mail, or that the mailbox was cut off. Called from any thread, with locks held: it
// must not call back into a mailbox or a room.
class Waker {
 public:
  virtual void Wake() = 0;

 protected:
  ~Waker() = default;
};

class Mailbox {
 public:
  // Capacity. A member whose backlog exceeds it is disconnected: a client that never reads must neither cost unbounded
  // memory nor slow down the speakers. Large enough for a burst that arrives while the driver waits for a processor.
  static constexpr size_t kMaxBytes = 4 << 20;
  static constexpr size_t kBytesPerMessage = 32;  // Counted for each message beside its length.

  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  virtual ~Mailbox() = default;

  // --- The driver's side: one thread at a time. ---

  // Sets the waker to call when mail arrives in an empty mailbox, or is there already; null for none. Once this
  // returns, the previous waker is not called any more.
  void Attach(Waker* waker);

  // A descriptor that is readable when there is something to collect; -1 if there is none: attach a waker.
  virtual int fd() const { return -1; }
  // Moves what is readable at the descriptor into the mailbox, up to its capacity. Does not block.
  virtual void Collect() {}
  // Collect() left something behind: Next() continues with it.
  bool is_full() const { return is_full_.load(std::memory_order_acquire); }
  // What to wait for there: input, unless the mailbox is full, since it would stay readable; its end (POLLHUP), which
  // poll(2) reports whatever it is asked for; and room, before which the session takes no input. That there is room is
  // for Collect() to find out, too, which then wakes the driver as mail does. If none of the three, leave it alone.
  virtual bool awaits_input() const { return !is_full(); }
  virtual bool awaits_end() const { return true; }
  bool awaits_room() const { return awaits_room_.load(std::memory_order_acquire); }

  // Whether Next() may have something. An idle driver may ask often: it costs no lock.
  bool has_mail() const { return next_ < taken_.size() || has_new_.load(std::memory_order_acquire) || is_full(); }
  // The next message, oldest first; null if there is none.
  Message Next();

  // True once the member was cut off: its backlog grew too large, or its room is gone. The driver must end the
  // conversation at once, without waiting for the peer.
  bool is_cut_off() const { return is_cut_off_.load(std::memory_order_acquire); }

  // --- The room's side: any thread. ---

  // Appends a message, and wakes the driver if it was empty. False if the message does not fit; the mailbox is then cut
  // off, and empty.
  bool Push(const Message& message);
  // The same, but leaves it to WakeIfDue() to wake the driver: for several messages, so that the driver finds all of
  // them, however soon the system lets it run. A driver that looks by itself may find them before.
  bool PushQuietly(const Message& message);
  // Wakes the driver if it has not been woken for what was pushed quietly, and has not taken it.
  void WakeIfDue();
  // Ends it from the room's side: drops all messages, and wakes the driver. May be called again.
  void CutOff();

  // Messages pushed but not yet returned by Next().
  size_t waiting_messages() const { return waiting_messages_.load(std::memory_order_relaxed); }
  // The same in bytes, with kBytesPerMessage for each.
  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 protected:
  void set_full(bool is_full) { is_full_.store(is_full, std::memory_order_release); }
  // The session's thread, when its stream takes no more; then Collect(), in any thread, when that has room.
  void AwaitRoom() { awaits_room_.store(true, std::memory_order_release); }
  void NoteRoom();

 private:
  void Wake();

  Mutex mutex_;
  std::vector<Message> new_ ABSL_GUARDED_BY(mutex_);
  // Another lock than that of the messages: a driver that is woken may run at once, in place of the thread that wakes
  // it, and would then have to wait for the lock that it needs first. Never taken together.
  Mutex waking_;
  Waker* waker_ ABSL_GUARDED_BY(waking_) = nullptr;
  std::atomic<bool> has_new_{false};      // new_ is not empty.
  std::atomic<bool> wake_is_due_{false};  // The driver does not know that yet.
  std::atomic<bool> is_cut_off_{false};   // For good.
  std::atomic<bool> is_full_{false};
  std::atomic<bool> awaits_room_{false};
  std::atomic<size_t> waiting_messages_{0};
  std::atomic<size_t> waiting_bytes_{0};
  std::vector<Message> taken_;  // The driver's; Next() has returned those before next_.
  size_t next_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_MAILBOX_H_
