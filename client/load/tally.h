// LoadTally: the figures of a run of the load generator. Plain data; each thread fills one, and Add() sums them up.
#ifndef POLYSERVE_CLIENT_LOAD_TALLY_H_
#define POLYSERVE_CLIENT_LOAD_TALLY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/load/histogram.h"

namespace polyserve {

// Covers the time between the end of the warm-up and the end of the load, unless it says otherwise. Times are in
// nanoseconds. Requests count by when they were due, replies by when they arrived.
//
//   a request     due ──▶ sent ──▶ its reply ends        service: sent to end      response: due to end
//                     │         └▶ wrong, or unanswered:   its age counts in both
//                     └▶ never sent (overdue):             its age counts in `response`
//
// Each request of a LoadWorker that was due in the counted time is in `response` once, whatever became of it: a reply,
// a wrong one, or none. So the percentiles are those of all requests, not of the lucky ones.
//
// docs/load.md explains each figure. Not thread-safe: a thread's tally is read when the thread has ended.
struct LoadTally {
  // What the server did.
  Histogram service;   // Times from sending a request to the end of its reply.
  Histogram response;  // Times from when it was due; in a closed loop the same.
  // Open loop: from when a request was due to when the generator turned to it, of those for which a connection was
  // free. This part of the response time is the generator's own.
  Histogram lateness;
  uint64_t replies = 0;
  uint64_t replies_in_all = 0;  // Including those of the warm-up and after the end.
  uint64_t bytes_in = 0;
  uint64_t due = 0;            // Open loop: requests that were due.
  uint64_t overdue = 0;        // Open loop: requests that still waited for a free connection at the end.
  uint64_t unanswered = 0;     // Requests without a reply even after `patience`. Their age is in the histograms.
  uint64_t wrong = 0;          // Replies that were not the expected ones. Their age is in the histograms.
  uint64_t broken = 0;         // Connections that the server closed or reset while it owed a reply.
  uint64_t not_connected = 0;  // Attempts to connect that failed.
  uint64_t reconnections = 0;  // Connections that the server closed between two replies, as it may.
  uint64_t asked_again = 0;    // Requests that were sent again because of that.
  // Clients that give up (LoadPlan::impatience); their replies are those that have come in time. Tries count by when
  // their request was due.
  uint64_t tries = 0;                      // That have begun.
  uint64_t refused = 0;                    // Tries that the server has refused, or closed without a word.
  uint64_t gave_up = 0;                    // Tries whose reply had not come in time.
  uint64_t failed = 0;                     // Requests whose last try was in vain. Their age is in `response`.
  std::map<std::string, uint64_t> causes;  // Of broken and not_connected, in the system's words.
  // TLS; the connections of the beginning are made before the counted time.
  std::string tls;          // The version and the cipher: "TLSv1.3 TLS_AES_256_GCM_SHA384". "": in the clear.
  uint64_t handshakes = 0;  // Those that were completed,
  uint64_t resumed = 0;     // and of these the ones that resumed a session.
  // The connections, and how evenly the server treated them.
  int connected = 0;                   // Connections at the beginning, idle ones included.
  std::vector<uint64_t> per_interval;  // Replies in each LoadPlan::interval; the last may be a part of one.
  // With LoadPlan::keeps_rows: `response` of the requests that were due in each interval, whenever their replies came.
  // Together they are `response`.
  std::vector<Histogram> response_per_interval;
  std::vector<uint64_t> per_connection;  // Replies on each connection.
  double seconds = 0;                    // The counted time.
  // The generator itself: whether the figures are the server's, or its own.
  double busiest_thread = 0;        // The largest share of a processor that a thread used, warm-up included.
  double waited_for_processor = 0;  // The largest share of the time that a thread was ready but not running.
  bool interrupted = false;         // Ended early.
  std::vector<std::string> faults;  // From LoadPlan::inspect, each a sentence without its period.
  std::vector<LoadTally> beside;    // Of LoadPlan::beside, in its order.
  // A run over several hosts. This is then the sum of what its agents have measured.
  std::string agent;                 // Which one has measured this, as the user names it; "": none.
  std::vector<LoadTally> agents;     // What each has measured, by its number, without its rows; none: a single host.
  double agents_started_within = 0;  // Seconds from when the first one may have begun to when all had.

  // Adds the figures of another thread of the same plan: sums, but the largest of `seconds` and of the shares of a
  // processor. Leaves `beside` and what is about agents alone.
  void Add(const LoadTally& other);
};

// Jain's index of fairness, (sum x)^2 / (n * sum x^2): 1 if all shares are equal, 1/n if one of n has everything (R.
// Jain et al., "A Quantitative Measure of Fairness and Discrimination", DEC TR-301, 1984). 1 if there is nothing to
// share.
double FairnessIndex(const std::vector<uint64_t>& shares);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_TALLY_H_
