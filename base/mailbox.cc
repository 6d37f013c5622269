#include "base/mailbox.h"

#include <utility>

namespace polyserve {

namespace {

constexpr size_t kKeptPlaces = 64;  // So that one burst does not stay in memory for good.

}  // namespace

// Under the lock that is held when the waker is called: once this returns, no thread is inside the previous one, so its
// owner may be destroyed. What came before is announced here, since nobody was there to be woken for it; what comes
// meanwhile may be announced twice.
void Mailbox::Attach(Waker* waker) {
  MutexLock lock(waking_);
  waker_ = waker;
  const bool is_due = has_new_.load(std::memory_order_acquire) || is_cut_off();
  if (waker != nullptr && is_due) waker->Wake();
}

Message Mailbox::Next() {
  // The driver swaps out everything at once, so that speakers and driver meet at the lock once for each batch, not for
  // each message. While the queue is empty, the atomic flag answers, and an idle driver that polls takes no lock.
  if (next_ == taken_.size()) {
    taken_.clear();
    next_ = 0;
    if (taken_.capacity() > kKeptPlaces) taken_ = std::vector<Message>();
    // What Collect() has left at the descriptor is younger than anything in new_, so it must wait until new_ is used
    // up.
    if (is_full() && !has_new_.load(std::memory_order_acquire)) Collect();
    if (!has_new_.load(std::memory_order_acquire)) return nullptr;
    MutexLock lock(mutex_);
    taken_.swap(new_);
    has_new_.store(false, std::memory_order_release);
    wake_is_due_.store(false, std::memory_order_relaxed);  // It has come by itself.
    if (taken_.empty()) return nullptr;                    // Cut off just now.
  }
  Message message = std::move(taken_[next_++]);
  // Relaxed: the counts only bound memory, and no other data is published by them. The message itself has come through
  // the lock.
  waiting_messages_.fetch_sub(1, std::memory_order_relaxed);
  waiting_bytes_.fetch_sub(message->size() + kBytesPerMessage, std::memory_order_relaxed);
  return message;
}

bool Mailbox::Push(const Message& message) {
  const bool is_there = PushQuietly(message);
  WakeIfDue();
  return is_there;
}

void Mailbox::WakeIfDue() {
  if (wake_is_due_.load(std::memory_order_relaxed) && wake_is_due_.exchange(false)) Wake();
}

void Mailbox::Wake() {
  MutexLock lock(waking_);
  if (waker_ != nullptr) waker_->Wake();
}

bool Mailbox::PushQuietly(const Message& message) {
  MutexLock lock(mutex_);
  if (is_cut_off_.load(std::memory_order_relaxed)) return false;
  const size_t bytes = message->size() + kBytesPerMessage;
  // Counts what the driver has swapped out but not popped, too: that memory is still held. The driver only ever lowers
  // the count meanwhile, so the check errs on the side of "full".
  const bool is_full = waiting_bytes() + bytes > kMaxBytes;
  // The backlog goes at once: a member that is too slow must not keep megabytes until its driver gets to it. The counts
  // stay as they are: nothing is pushed any more, and the room no longer looks at this mailbox.
  const bool was_empty = new_.empty();
  if (is_full) {
    new_ = std::vector<Message>();
    is_cut_off_.store(true, std::memory_order_release);
  } else {
    new_.push_back(message);
    waiting_messages_.fetch_add(1, std::memory_order_relaxed);
    waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  has_new_.store(!is_full, std::memory_order_release);
  // Once for each batch: a driver that is woken takes everything that is there. Last, since another thread may take it
  // from here on, and wake the driver.
  if (was_empty || is_full) wake_is_due_.store(true, std::memory_order_release);
  return !is_full;
}

// Before the driver is woken, so that it finds the session ready for input.
void Mailbox::NoteRoom() {
  awaits_room_.store(false, std::memory_order_release);
  Wake();
}

void Mailbox::CutOff() {
  {
    MutexLock lock(mutex_);
    new_ = std::vector<Message>();
    has_new_.store(false, std::memory_order_release);
    is_cut_off_.store(true, std::memory_order_release);
  }
  Wake();
}

}  // namespace polyserve
