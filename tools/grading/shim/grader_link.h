// The line between a program under test and the grader: a thread asks before a call, and does what the answer says.
//
// Each thread has a connection of its own (SOCK_SEQPACKET, at the path in GRADE_SOCKET), made when it first asks. While
// a thread waits for its answer the grader holds it: that is how a schedule is forced. All signals are blocked
// meanwhile, so that a handler cannot ask in the middle of a question. Without a grader every answer is "go".
#ifndef POLYSERVE_TOOLS_GRADING_SHIM_GRADER_LINK_H_
#define POLYSERVE_TOOLS_GRADING_SHIM_GRADER_LINK_H_

namespace grading {

// What a program may be asked about; GRADE_CALLS names those that the grader wants to hear of.
enum class Kind { kAccept, kWrite, kWait, kLock, kMemory };

// What the grader wants done with a call.
struct Order {
  enum class Verb {
    kGo,      // the call as it is
    kShort,   // write: only `value` bytes of it
    kSignal,  // the signal `value` is sent to this process first, then the call is made
    kUp,      // accept: the new descriptor is moved to `value` or above
  };
  Verb verb = Verb::kGo;
  long value = 0;
};

// Whether the grader wants to hear of such calls. Cheap.
bool IsWatched(Kind kind);

// Waits for the grader's order. `call` and the arguments are for its rules and for the steps that it shows. Keeps
// errno.
Order Ask(const char* call, unsigned long first, unsigned long second);

// Lets the grader know, and does not wait. Keeps errno.
void Tell(const char* call, long first, long second);

}  // namespace grading

#endif  // POLYSERVE_TOOLS_GRADING_SHIM_GRADER_LINK_H_
