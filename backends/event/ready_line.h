// ReadyLine: the clients of a loop that have sent something, in the order in which the loop has learned of it, until
// each has its turn as a QueueDiscipline says (--overload). Without a discipline a loop has no such queue: it serves
// what a wait has brought, and then waits again, so that what has come meanwhile waits unseen in the sockets.
//
//   OnEvents() ─▶ Add() ─▶ line ─▶ Take() ─▶ OnTurn()                    served
//                   └────▶ full ─▶ Take() ─▶ OnTurn() with refused_as    refused, by Conversation::Refuse()
//
// What may not be refused, such as a TLS handshake, the rest of a request, or a line of a chat, waits as a request
// does, though the line is full.
//
// The loop looks for more every kBetweenLooks, so that each client has the time at which it has come, and the newest is
// the newest indeed. One thread. Owns no client: one that ends while it waits leaves by itself.
#ifndef POLYSERVE_BACKENDS_EVENT_READY_LINE_H_
#define POLYSERVE_BACKENDS_EVENT_READY_LINE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "backends/event/event_client.h"
#include "backends/overload/overload_options.h"
#include "backends/overload/queue_discipline.h"
#include "net/statistics.h"

namespace polyserve {

class ReadyLine {
 public:
  using Clock = QueueDiscipline::Clock;

  // How long a loop may serve the line before it looks for more. A look costs some microseconds if few wait, and
  // more if many do: with levels, each of them is reported again.
  static constexpr std::chrono::milliseconds kBetweenLooks{1};

  // The counters are the loop's, and must outlive it.
  ReadyLine(const OverloadOptions& options, QueueCounters& counters)
      : discipline_(options, counters), counters_(counters) {}

  // A client that is in no list has become ready.
  void Add(EventClient& client);

  struct Turn {
    EventClient* client;               // Null: nobody is left. Otherwise it is in no list any more.
    std::atomic<int64_t>* refused_as;  // For EventShared. Null: it is to be served.
    std::chrono::microseconds waited = std::chrono::microseconds(0);  // In the line, if it is known.
  };
  // Those that found the line full come first, because a refusal costs little; but of many in a row, one that waits
  // comes between.
  Turn Take();

  // A client that waits here ends.
  void Leave(EventClient& client);

  bool empty() const { return line_.empty() && refused_.empty() && kept_.empty(); }

 private:
  // A millisecond's worth, about.
  static constexpr int kRefusalsInARow = 64;

  static EventClient& TakeFirst(EventClient::TurnList& list);

  QueueDiscipline discipline_;
  QueueCounters& counters_;
  EventClient::TurnList line_;  // The oldest first.
  size_t waiting_ = 0;          // In it.
  EventClient::TurnList refused_;
  EventClient::TurnList kept_;  // The oldest of a full line, which may not be refused: it and the line take turns.
  int refusals_ = 0;            // Since one was served.
  bool takes_kept_ = false;     // The last one that was served was one of these.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_READY_LINE_H_
