#include "client/load/tally.h"

#include <algorithm>

namespace polyserve {

// Everything is a sum, a list or a maximum, so that no figure depends on the order in which the threads are added.
void LoadTally::Add(const LoadTally& other) {
  service.Add(other.service);
  response.Add(other.response);
  lateness.Add(other.lateness);
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
  tries += other.tries;
  refused += other.refused;
  gave_up += other.gave_up;
  failed += other.failed;
  if (tls.empty()) tls = other.tls;
  handshakes += other.handshakes;
  resumed += other.resumed;
  interrupted = interrupted || other.interrupted;
  for (const auto& [cause, count] : other.causes) causes[cause] += count;
  connected += other.connected;
  // The intervals have the same bounds in all threads, since all began to count at the same moment. After an
  // interruption some may have noticed it an interval earlier than others.
  per_interval.resize(std::max(per_interval.size(), other.per_interval.size()));
  for (size_t i = 0; i < other.per_interval.size(); ++i) per_interval[i] += other.per_interval[i];
  response_per_interval.resize(std::max(response_per_interval.size(), other.response_per_interval.size()));
  for (size_t i = 0; i < other.response_per_interval.size(); ++i) {
    response_per_interval[i].Add(other.response_per_interval[i]);
  }
  per_connection.insert(per_connection.end(), other.per_connection.begin(), other.per_connection.end());
  // Not sums: the threads run at the same time. The largest share of a processor is what matters, because one thread
  // that is too busy delays its connections although the others have time.
  seconds = std::max(seconds, other.seconds);
  busiest_thread = std::max(busiest_thread, other.busiest_thread);
  waited_for_processor = std::max(waited_for_processor, other.waited_for_processor);
  faults.insert(faults.end(), other.faults.begin(), other.faults.end());
}

// In doubles: the squares of counts would overflow 64 bits from 2^32 replies on a connection on.
double FairnessIndex(const std::vector<uint64_t>& shares) {
  double sum = 0, squares = 0;
  for (const uint64_t share : shares) {
    sum += static_cast<double>(share);
    squares += static_cast<double>(share) * static_cast<double>(share);
  }
  return squares == 0 ? 1 : sum * sum / (squares * static_cast<double>(shares.size()));
}

}  // namespace polyserve
