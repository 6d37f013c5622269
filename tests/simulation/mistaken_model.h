// A model that serves one client after the other by a small driver of its own, and makes a mistake if it is asked to:
// the proof that the simulation finds such mistakes. Without one it keeps to the rules, within what it can do: no least
// rate, no tasks, no pauses.
#ifndef POLYSERVE_TESTS_SIMULATION_MISTAKEN_MODEL_H_
#define POLYSERVE_TESTS_SIMULATION_MISTAKEN_MODEL_H_

#include "tests/simulation/schedule.h"

namespace polyserve::simulation {

enum class Mistake {
  kNone,
  kLosesInput,       // The last byte of a read.
  kSwapsInput,       // Shows the first two bytes in the other order.
  kLosesOutput,      // The first byte of a reply.
  kRepeatsOutput,    // Sends a reply twice.
  kSendsBehindEnd,   // Sends after shutdown(2).
  kShowsEndEarly,    // Before all input was shown.
  kClosesTwice,      // The same descriptor.
  kNeverCloses,      // The descriptor.
  kCountsEndTwice,   // In the statistics.
  kNeverCountsEnd,   //
  kKeepsSession,     // Does not destroy it.
  kSleeps,           // Waits for what never comes.
  kSpins,            // Asks again and again, and waits for nothing.
  kIgnoresSilence,   // Has no idle time-out.
  kEndsEarly,        // Before the idle time-out.
  kRingsEarly,       // The session's timer.
  kNeverRings,       //
  kDoesNotLinger,    //
  kLingersForEver,   //
  kResetsGoodPeers,  // Which have sent their end, and are answered.
  // Of Way::kSignals.
  kIgnoresOverflow,     // Of the queue: SIGIO.
  kMissesFirstInput,    // Which has come before the signals were asked for.
  kReadsOncePerSignal,  // Although there may be more.
  // Of Way::kRing.
  kNeverRearms,      // A multishot receive that has ended.
  kNeverLendsAgain,  // A buffer.
  kLendsEarly,       // A buffer that it still looks at.
  kClosesUnderWay,   // Its socket, while a receive is under way.
  kReusesLent,       // Memory that a send without a copy still needs.
  kAsksEarly,        // Another server, before all is sent.
  kAsksForEver,      // However long that takes.
  kMissesReply,      // Looks for it only when the time for it is over.
  kShowsMeanwhile,   // Input, while it waits for the reply.
};

// How the driver gets its input.
enum class Way { kPoll, kSignals, kRing };

Subject MistakenModel(Mistake mistake, Way way = Way::kPoll);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_MISTAKEN_MODEL_H_
