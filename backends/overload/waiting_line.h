// WaitingLine: a queue whose order, and whose bounds, are those of a QueueDiscipline. For what moves, such as a
// connection or a task; ReadyLine (backends/event/ready_line.h) is for the clients of a loop, which stay where they
// are.
//
//   line.Add(std::move(client), now) ─▶ the one that is refused, if any
//   line.Take(now)                   ─▶ the one whose turn it is, if any: to be served, or refused after all
//
// The owner counts the refusals. Not thread-safe.
#ifndef POLYSERVE_BACKENDS_OVERLOAD_WAITING_LINE_H_
#define POLYSERVE_BACKENDS_OVERLOAD_WAITING_LINE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "backends/overload/overload_options.h"
#include "backends/overload/queue_discipline.h"
#include "net/statistics.h"

namespace polyserve {

template <typename T>
class WaitingLine {
 public:
  using Clock = QueueDiscipline::Clock;

  // As QueueDiscipline's constructor.
  WaitingLine(const OverloadOptions& options, QueueCounters& counters) : discipline_(options, counters) {}

  // Takes it over. Returns the one that is refused because the line is full: this one, if it may be, or the oldest.
  [[nodiscard]] std::optional<T> Add(T one, Clock::time_point now, bool may_be_refused = true) {
    const QueueDiscipline::Arrival arrival = discipline_.OnArrival(entries_.size(), now, may_be_refused);
    if (arrival == QueueDiscipline::Arrival::kRefused) return one;
    entries_.push_back({std::move(one), now});
    if (arrival == QueueDiscipline::Arrival::kWaits) return std::nullopt;
    return TakeOldest();
  }

  struct Taken {
    T one;
    bool is_overdue;  // It has waited for too long.
  };
  // Takes off the line the one whose turn it is. Empty: nobody is left.
  [[nodiscard]] std::optional<Taken> Take(Clock::time_point now) {
    if (entries_.empty()) return std::nullopt;
    const bool is_last = discipline_.takes_newest();
    const bool is_in_time = discipline_.OnTurn(is_last ? entries_.back().since : entries_.front().since, now);
    return Taken{is_last ? TakeBack() : TakeFront(), !is_in_time};
  }

  // Takes off the line one that has waited for too long, although it is nobody's turn. Empty: there is none.
  [[nodiscard]] std::optional<T> TakeOverdue(Clock::time_point now) {
    if (entries_.empty() || absl::FromChrono(now - entries_.front().since) <= discipline_.Patience(now)) {
      return std::nullopt;
    }
    discipline_.OnTurn(entries_.front().since, now);
    return TakeFront();
  }

  // In how long TakeOverdue() will find one, at the latest; infinite: never.
  absl::Duration UntilOverdue(Clock::time_point now) const {
    if (entries_.empty()) return absl::InfiniteDuration();
    return discipline_.most_patience() - absl::FromChrono(now - entries_.front().since);
  }

  // Takes the oldest, whatever the discipline says; for a server that stops, and refuses nobody who was there before.
  [[nodiscard]] std::optional<T> TakeOldest() {
    if (entries_.empty()) return std::nullopt;
    discipline_.OnLeave();
    return TakeFront();
  }

  // In a forked child: destroys its copies of what waits. They are the parent's, and so are the counters.
  void Clear() { entries_.clear(); }

  bool empty() const { return entries_.empty(); }
  // Add() would refuse one.
  bool is_full() const { return discipline_.IsFull(entries_.size()); }

 private:
  struct Entry {
    T one;
    Clock::time_point since;
  };

  T TakeFront() {
    T one = std::move(entries_.front().one);
    entries_.pop_front();
    return one;
  }
  T TakeBack() {
    T one = std::move(entries_.back().one);
    entries_.pop_back();
    return one;
  }

  QueueDiscipline discipline_;
  std::deque<Entry> entries_;  // The oldest first.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_OVERLOAD_WAITING_LINE_H_
