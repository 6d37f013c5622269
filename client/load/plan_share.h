// The shares of a plan: what each thread does of it, and what each agent does, if several hosts execute it together.
// All threads of all agents stand in one row, and share the plan as if they were on one host:
//
//   10 connections, 2 agents with 2 threads each     agent 0: 3 + 3     agent 1: 2 + 2
//
// so that nothing about the load depends on how many hosts it comes from: not the times at which requests are due, and
// not what each connection asks for. Functions of their arguments alone; safe to call from any thread.
#ifndef POLYSERVE_CLIENT_LOAD_PLAN_SHARE_H_
#define POLYSERVE_CLIENT_LOAD_PLAN_SHARE_H_

#include <optional>

#include "client/load/plan.h"

namespace polyserve {

// The share of the thread `i` of plan.agent, 0 to plan.threads - 1. The connections, idle ones too, of two threads
// differ by one at most. REQUIRES: threads * agents <= connections.
LoadPlan ShareOf(const LoadPlan& plan, int i);

// What that thread has of a rate of the whole plan. Nothing: nothing.
std::optional<double> ShareOfRate(std::optional<double> rate, const LoadPlan& plan, int i);

// The shares of all threads of an agent together, and of those of the plans beside.
LoadPlan ShareOfAgent(const LoadPlan& plan, int agent);

// The number of the first connection of plan.agent among those of all agents, from 0 on.
int FirstConnection(const LoadPlan& plan);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_PLAN_SHARE_H_
