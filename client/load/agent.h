// The agent of a run over several hosts: executes its share of the plan that a coordinator orders over standard input,
// and sends what it has measured to standard output. A process is for one run, so that nothing of a run reaches the
// next one: ssh or agent_listener.h starts it.
//
//   order ──▶ flags ──▶ plan, connections ──▶ ready ─ ─▶ start ──▶ load ──▶ tally ─ ─▶ the coordinator closes ──▶ end
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_H_

namespace polyserve {

// Executes a run, and returns the exit status: 0 if the coordinator has the tally, 1 otherwise; or ends the process
// itself, at once, when the coordinator goes away, and when the run takes longer than it can (SIGALRM). Writes the
// reason to standard error. Call once, in the main thread, while there is no other one. Changes the flags.
int RunAgent();

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_H_
