#include "room/mailbox.h"

#include <utility>

namespace polyserve {

namespace {

constexpr size_t kKeptPlaces = 64;  // So that one burst does not stay in memory for good.

}  // namespace

void Mailbox::Attach(Waker* waker) {
  MutexLock lock(mutex_);
  waker_ = waker;
  if (waker != nullptr && (!new_.empty() || is_cut_off_.load(std::memory_order_relaxed))) waker->Wake();
}

Message Mailbox::Next() {
  if (next_ == taken_.size()) {
    taken_.clear();
    next_ = 0;
    if (taken_.capacity() > kKeptPlaces) taken_ = std::vector<Message>();
    if (!has_new_.load(std::memory_order_acquire)) return nullptr;
    MutexLock lock(mutex_);
    taken_.swap(new_);
    new_bytes_ = 0;
    has_new_.store(false, std::memory_order_release);
    if (taken_.empty()) return nullptr;  // Cut off just now.
  }
  return std::move(taken_[next_++]);
}

bool Mailbox::Push(const Message& message) {
  MutexLock lock(mutex_);
  if (is_cut_off_.load(std::memory_order_relaxed)) return false;
  new_bytes_ += message->size() + kBytesPerMessage;
  const bool was_empty = new_.empty();
  const bool is_full = new_bytes_ > kMaxBytes;
  if (is_full) {
    new_ = std::vector<Message>();
    is_cut_off_.store(true, std::memory_order_release);
  } else {
    new_.push_back(message);
  }
  has_new_.store(!is_full, std::memory_order_release);
  if (waker_ != nullptr && (was_empty || is_full)) waker_->Wake();
  return !is_full;
}

void Mailbox::CutOff() {
  MutexLock lock(mutex_);
  is_cut_off_.store(true, std::memory_order_release);
  if (waker_ != nullptr) waker_->Wake();
}

}  // namespace polyserve
