#include "backends/event/ready_line.h"

#include <chrono>
#include <cstdint>

namespace polyserve {

namespace {

// Modulo 2^32, which is more than an hour, for a difference. Each client has one of these, so it is short.
uint32_t Microseconds(ReadyLine::Clock::time_point time) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  return static_cast<uint32_t>(since_epoch.count());
}

}  // namespace

void ReadyLine::Add(EventClient& client) {
  const Clock::time_point now = Clock::now();
  const QueueDiscipline::Arrival arrival = discipline_.OnArrival(waiting_, now, client.may_be_refused());
  if (arrival == QueueDiscipline::Arrival::kRefused) return refused_.push_back(client);
  client.in_line_since_ = Microseconds(now);
  client.is_in_line_ = true;
  line_.push_back(client);
  ++waiting_;
  if (arrival == QueueDiscipline::Arrival::kWaits) return;
  EventClient& oldest = line_.front();
  line_.pop_front();
  Leave(oldest);
  (oldest.may_be_refused() ? refused_ : kept_).push_back(oldest);
}

ReadyLine::Turn ReadyLine::Take() {
  const bool others_wait = !line_.empty() || !kept_.empty();
  if (!refused_.empty() && (!others_wait || refusals_ < kRefusalsInARow)) {
    ++refusals_;
    return {&TakeFirst(refused_), &counters_.refused};
  }
  refusals_ = 0;
  takes_kept_ = !kept_.empty() && (line_.empty() || !takes_kept_);
  if (takes_kept_) return {&TakeFirst(kept_), nullptr};
  if (line_.empty()) return {nullptr, nullptr};
  EventClient& client = discipline_.takes_newest() ? line_.back() : line_.front();
  discipline_.takes_newest() ? line_.pop_back() : line_.pop_front();
  client.is_in_line_ = false;
  --waiting_;
  const Clock::time_point now = Clock::now();
  const std::chrono::microseconds waited(Microseconds(now) - client.in_line_since_);
  return {&client, discipline_.OnTurn(now - waited, now) ? nullptr : &counters_.dropped, waited};
}

EventClient& ReadyLine::TakeFirst(EventClient::TurnList& list) {
  EventClient& client = list.front();
  list.pop_front();
  return client;
}

void ReadyLine::Leave(EventClient& client) {
  client.is_in_line_ = false;
  --waiting_;
  discipline_.OnLeave();
}

}  // namespace polyserve
