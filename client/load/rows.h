// Rows: a run interval by interval, as a table: how many requests were due and how long they took. With a rate that
// changes, that is the load curve. As CSV, as NDJSON (a JSON object in each line), and as text for people.
//
//   begin_s,end_s,rate,due,replies,mean_ns,p50_ns,p90_ns,p99_ns,p99.9_ns,max_ns
//   0,1,1200,1203,1203,61020.5,40959,98303,280575,909311,1703935
#ifndef POLYSERVE_CLIENT_LOAD_ROWS_H_
#define POLYSERVE_CLIENT_LOAD_ROWS_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/load/histogram.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// One interval. Requests belong to the interval in which they were due, and replies to the one in which they came; so
// all rows together have the counts of the run.
struct LoadRow {
  double begin_s = 0;          // Since counting began.
  double end_s = 0;            // Of the last row, the end of the run.
  std::optional<double> rate;  // Requests due per second as the plan has it; nothing in a closed loop.
  uint64_t replies = 0;
  // Response times of the requests that were due in it, whenever their replies came, in nanoseconds. Not null; valid as
  // long as the tally. Its count is how many there were.
  const Histogram* response = nullptr;
};

// REQUIRES: `tally` is that of the plan, which keeps rows.
std::vector<LoadRow> RowsOf(const LoadPlan& plan, const LoadTally& tally);

// With a line of names; ends with a line end.
std::string RowsAsCsv(const std::vector<LoadRow>& rows);
// [{"begin_s": ...}, ...] with the names of the table, "rate": null in a closed loop.
nlohmann::json RowsAsJson(const std::vector<LoadRow>& rows);
// The elements of that, each in a line.
std::string RowsAsNdjson(const std::vector<LoadRow>& rows);
// For people: times in milliseconds, aligned.
std::string RowsAsText(const std::vector<LoadRow>& rows);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ROWS_H_
