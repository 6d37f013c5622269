// RunQueue: what one worker has still to do, in the order in which it has come. Its owner puts in at the back; whoever
// takes, takes what is oldest, at the front: the owner one after the other, another thread half of them at once.
//
//   owner: Put() ─▶ [ 7 6 5 4 3 2 1 ] ─▶ Take(one)    the owner: 1, then 2
//                                     ─▶ Take(half)   a thief: 1 2 3 4
//
// No lock, and no call waits: a thief that meets its victim, or another thief, costs one of the two a second try. This
// is the run queue of Go and Tokio. Cilk's deque, from which it comes, has its owner take what is newest: there that is
// the smallest piece of work, and warm in the cache; in a server the oldest has waited the longest. So there is one
// place where all takers meet, `front_`, and none of the two places, and fences, of the deque.
//
// Sources: Chase, Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005; Lê, Pop, Cohen, Zappa Nardelli, "Correct and
// Efficient Work-Stealing for Weak Memory Models", PPoPP 2013; Vyukov, the scheduler of Go 1.1.
#ifndef POLYSERVE_BACKENDS_RUN_QUEUE_H_
#define POLYSERVE_BACKENDS_RUN_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace polyserve {

// Holds pointers, and owns nothing that they point to. What was written to an item before Put() is seen by the thread
// that takes it.
template <typename T>
class RunQueue {
 public:
  // How much a call takes.
  enum class Share { kOne, kHalf };  // Half: rounded up, and kMostTaken at most.
  static constexpr size_t kMostTaken = 128;

  // `places`, a power of two: how many items there is room for before Put() doubles that.
  explicit RunQueue(size_t places = 256) { Use(std::make_unique<Ring>(places)); }
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // The owner's thread alone.
  void Put(T& item) {
    const uint64_t back = back_.load(std::memory_order_relaxed);
    // Acquire: the place that is written to is one that its taker has read.
    const uint64_t front = front_.load(std::memory_order_acquire);
    if (back - front == rings_.back()->places()) Grow(front, back);
    rings_.back()->at(back).store(&item, std::memory_order_relaxed);
    back_.store(back + 1, std::memory_order_release);
  }

  // Any thread. Writes the oldest items, in their order, to `items`, where there must be room for kMostTaken, or for
  // one with kOne. Returns how many; 0: there are none.
  size_t Take(Share share, T** items) {
    uint64_t front = front_.load(std::memory_order_acquire);
    while (true) {
      // In this order: `back` is then never less than `front`.
      const uint64_t there = back_.load(std::memory_order_acquire) - front;
      if (there == 0) return 0;
      const size_t count = share == Share::kOne ? 1 : std::min<uint64_t>(there - there / 2, kMostTaken);
      // After `back`: a ring that has all items before it. If others have taken some of them meanwhile, what is read
      // here may be newer items, or nothing; but then the exchange fails, since the front only grows.
      const Ring& ring = *ring_.load(std::memory_order_acquire);
      for (size_t i = 0; i < count; ++i) items[i] = ring.at(front + i).load(std::memory_order_relaxed);
      if (front_.compare_exchange_strong(front, front + count, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return count;
      }
    }
  }

  // Any thread. What it says may be over before it returns, unless the owner asks: then there is no more than that.
  size_t size() const {
    const uint64_t front = front_.load(std::memory_order_acquire);
    return back_.load(std::memory_order_acquire) - front;
  }

 private:
  // Items are numbered from 0 on, for ever, so that the same number never comes back; each has the place of its number
  // modulo the number of places.
  class Ring {
   public:
    explicit Ring(size_t places) : last_(places - 1), items_(new std::atomic<T*>[places]) {}
    size_t places() const { return last_ + 1; }
    std::atomic<T*>& at(uint64_t number) const { return items_[number & last_]; }

   private:
    const size_t last_;
    const std::unique_ptr<std::atomic<T*>[]> items_;
  };

  // Others may be reading from a ring that is full, so it stays: all of them together are as large as the last one.
  void Grow(uint64_t front, uint64_t back) {
    auto larger = std::make_unique<Ring>(2 * rings_.back()->places());
    for (uint64_t i = front; i != back; ++i) {
      larger->at(i).store(rings_.back()->at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    Use(std::move(larger));
  }

  void Use(std::unique_ptr<Ring> ring) {
    ring_.store(ring.get(), std::memory_order_release);
    rings_.push_back(std::move(ring));
  }

  // Each in a cache line of its own: the owner writes to the one, and takers to the other.
  alignas(64) std::atomic<uint64_t> front_{0};  // The number of the oldest item that nobody has taken.
  alignas(64) std::atomic<uint64_t> back_{0};   // The number of the next one.
  std::atomic<const Ring*> ring_{nullptr};      // The last of them.
  std::vector<std::unique_ptr<Ring>> rings_;    // The owner's.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_RUN_QUEUE_H_
