// EventLoop: libevent's loop with what all connections of it share: one read buffer, one output to fill, a coarse
// clock for the idle time-out, and the way a stop goes. One thread.
#ifndef POLYSERVE_BACKENDS_EVENT_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_LOOP_H_

#include <event2/event.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/acceptor.h"
#include "backends/event_connection.h"
#include "backends/event_driver.h"
#include "backends/serve_context.h"

namespace polyserve {

class EventLoop : public EventDriver {
 public:
  // The context must outlive it.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(ServeContext& context, const EventDriverOptions& options);
  ~EventLoop() override;

  using BasePointer = std::unique_ptr<event_base, void (*)(event_base*)>;
  // libevent's loop with this method and no other. InvalidArgument where it cannot be had here.
  static absl::StatusOr<BasePointer> MakeBase(const EventDriverOptions& options);

  // Returns when the server was told to stop and the last client has left.
  absl::Status Run() override;

 private:
  using EventPointer = std::unique_ptr<event, void (*)(event*)>;
  struct ListenerEvent {  // What the callback of a listener is given.
    EventLoop* loop;
    const Listener* listener;
    EventPointer event;
  };

  EventLoop(ServeContext& context, const EventDriverOptions& options, BasePointer base);

  absl::Status Watch();  // Adds the events of the listeners, the signals and the clock.
  void OnSignals();
  void OnAcceptable(const Listener& listener);
  void OnTick();
  void OnNextTurn();
  void PauseAccepting();
  void SetAccepting(bool accepting);
  void Stop();

  ServeContext& context_;
  BasePointer base_;
  Acceptor acceptor_;
  std::vector<ListenerEvent> listeners_;
  EventPointer signals_;
  EventPointer tick_;
  EventPointer next_turn_;
  EventPointer resume_accepting_;
  EventShared shared_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_LOOP_H_
