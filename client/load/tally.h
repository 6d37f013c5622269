// LoadTally: what happened in a run of the load generator; nothing but figures.
#ifndef POLYSERVE_CLIENT_LOAD_TALLY_H_
#define POLYSERVE_CLIENT_LOAD_TALLY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/load/histogram.h"

namespace polyserve {

// Between the end of the warm-up and the end; times in nanoseconds. Requests count by when they were due.
struct LoadTally {
  Histogram service;   // From when a request was sent to the end of its reply.
  Histogram response;  // From when it was due; in a closed loop the same.
  uint64_t replies = 0;
  uint64_t replies_in_all = 0;  // Those of the warm-up, and after the end, too.
  uint64_t bytes_in = 0;
  uint64_t due = 0;         // In an open loop: how many should have been sent.
  uint64_t overdue = 0;     // In an open loop: were due by the end, and had found no free connection yet.
  uint64_t unanswered = 0;  // Were due, and got no reply, also not after `patience`. Their age is in the histograms.
  uint64_t wrong = 0;       // Replies that were not what they had to be. Their age is in the histograms.
  uint64_t broken = 0;      // Connections that the server has closed or reset when it owed a reply.
  uint64_t not_connected = 0;
  uint64_t reconnections = 0;              // Connections that the server has closed between two replies, as it may.
  uint64_t asked_again = 0;                // Requests that were on their way then.
  std::map<std::string, uint64_t> causes;  // Of broken and not_connected, in the system's words.
  int connected = 0;                       // At the beginning, idle ones included.
  std::vector<uint64_t> per_second;        // Replies, by when they came.
  std::vector<uint64_t> per_connection;
  double seconds = 0;
  double busiest_thread = 0;        // The share of a processor that it took, warm-up included.
  double waited_for_processor = 0;  // The share of the time that the one which waited most was kept from running.
  bool interrupted = false;         // Ended before its time; `seconds` is what was counted.
  std::vector<std::string> faults;  // What else makes the run worth nothing, each a sentence without its point.
  std::vector<LoadTally> beside;    // Of the plans beside, in their order.

  // Adds what another thread of the same plan has counted.
  void Add(const LoadTally& other);
};

// Jain's index of fairness: 1 if all got the same, 1/n if one got all ("A Quantitative Measure of Fairness", DEC
// TR-301, 1984).
double FairnessIndex(const std::vector<uint64_t>& shares);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_TALLY_H_
