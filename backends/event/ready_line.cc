#include "backends/event/ready_line.h"

namespace polyserve {

void ReadyLine::Add(EventClient& client) {
  const Clock::time_point now = Clock::now();
  const QueueDiscipline::Arrival arrival = discipline_.OnArrival(waiting_, now);
  if (arrival == QueueDiscipline::Arrival::kRefused) return refused_.push_back(client);
  client.in_line_since_ = now;
  client.is_in_line_ = true;
  line_.push_back(client);
  ++waiting_;
  if (arrival == QueueDiscipline::Arrival::kWaits) return;
  EventClient& oldest = line_.front();
  line_.pop_front();
  Leave(oldest);
  refused_.push_back(oldest);
}

ReadyLine::Turn ReadyLine::Take() {
  if (!refused_.empty()) {
    EventClient& client = refused_.front();
    refused_.pop_front();
    return {&client, &counters_.refused};
  }
  if (line_.empty()) return {nullptr, nullptr};
  EventClient& client = discipline_.takes_newest() ? line_.back() : line_.front();
  discipline_.takes_newest() ? line_.pop_back() : line_.pop_front();
  client.is_in_line_ = false;
  --waiting_;
  const bool is_in_time = discipline_.OnTurn(client.in_line_since_, Clock::now());
  return {&client, is_in_time ? nullptr : &counters_.dropped};
}

void ReadyLine::Leave(EventClient& client) {
  client.is_in_line_ = false;
  --waiting_;
  discipline_.OnLeave();
}

}  // namespace polyserve
