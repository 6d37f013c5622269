// The report of a run: as text for people, or as JSON for programs (docs/load.md explains each figure). Functions of
// their arguments alone; safe to call from any thread.
#ifndef POLYSERVE_CLIENT_LOAD_REPORT_H_
#define POLYSERVE_CLIENT_LOAD_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// The faults that invalidate the run, each a sentence without its period: wrong replies, requests without one, broken
// connections, a rate that was not reached; those of plan.beside too. Empty if the figures can be trusted.
std::vector<std::string> FaultsOf(const LoadPlan& plan, const LoadTally& tally);

// The one of these about a rate that was not reached. Nothing if it was, if it changes, or if there is none.
std::optional<std::string> RateNotReached(const LoadPlan& plan, const LoadTally& tally);

// Why a rate, be it one that changes, was not reached; nothing if it was, or if there is none. A rate that changes may
// go beyond what the server can do on purpose, so that this is no fault by itself.
std::optional<std::string> Backlog(const LoadPlan& plan, const LoadTally& tally);

// True if the generator itself was the limit, so that the figures say little about the server: one of its threads was
// running, or ready to run, for more than 90 % of the time. Of several hosts one is enough.
bool IsGeneratorTheLimit(const LoadTally& tally);

// True if other programs kept a thread of the generator from running for more than 10 % of the time, so that its times
// are longer than the server's.
bool WasKeptFromRunning(const LoadTally& tally);

// The whole report, line ends included. `tally` is the result of RunLoad(plan): its `beside` matches plan.beside. Times
// are in milliseconds as text, in nanoseconds in JSON. tools/comparison reads the JSON: names stay as they are.
std::string ReportAsText(const LoadPlan& plan, const LoadTally& tally);
std::string ReportAsJson(const LoadPlan& plan, const LoadTally& tally);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_REPORT_H_
