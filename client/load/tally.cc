#include "client/load/tally.h"

#include <algorithm>

namespace polyserve {

void LoadTally::Add(const LoadTally& other) {
  service.Add(other.service);
  response.Add(other.response);
  replies += other.replies;
  replies_in_all += other.replies_in_all;
  bytes_in += other.bytes_in;
  due += other.due;
  overdue += other.overdue;
  unanswered += other.unanswered;
  wrong += other.wrong;
  broken += other.broken;
  not_connected += other.not_connected;
  reconnections += other.reconnections;
  asked_again += other.asked_again;
  interrupted = interrupted || other.interrupted;
  for (const auto& [cause, count] : other.causes) causes[cause] += count;
  connected += other.connected;
  per_interval.resize(std::max(per_interval.size(), other.per_interval.size()));
  for (size_t i = 0; i < other.per_interval.size(); ++i) per_interval[i] += other.per_interval[i];
  per_connection.insert(per_connection.end(), other.per_connection.begin(), other.per_connection.end());
  seconds = std::max(seconds, other.seconds);
  busiest_thread = std::max(busiest_thread, other.busiest_thread);
  waited_for_processor = std::max(waited_for_processor, other.waited_for_processor);
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
}

double FairnessIndex(const std::vector<uint64_t>& shares) {
  double sum = 0, squares = 0;
  for (const uint64_t share : shares) {
    sum += static_cast<double>(share);
    squares += static_cast<double>(share) * static_cast<double>(share);
  }
  return squares == 0 ? 1 : sum * sum / (squares * static_cast<double>(shares.size()));
}

}  // namespace polyserve
