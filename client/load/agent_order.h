// AgentOrder: what an agent of the load generator is to do: the flags of the run, and its place among the agents.
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_ORDER_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_ORDER_H_

#include <map>
#include <string>

namespace polyserve {

// Plain data. The flags are those of the whole run, the same for all agents: each makes the whole plan of them, and
// does its share (plan_share.h).
struct AgentOrder {
  int agents = 1;  // How many there are,
  int agent = 0;   // and which of them this is for.
  std::map<std::string, std::string> flags;
  // By the flag that names it: what is in the file. It is on the coordinator's machine alone.
  std::map<std::string, std::string> files;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_ORDER_H_
