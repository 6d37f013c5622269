// EventConnection: the event driver. It serves one client of an event loop by callbacks. While nothing is unsent it
// owns no buffer: it reads into the loop's, and what the session answers is sent from the loop's output at once. Only
// what the socket does not take is parked with the connection, and until that is sent, nothing more is read.
#ifndef POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_
#define POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/flush.h"
#include "backends/event/event_client.h"
#include "protocol/output.h"

namespace polyserve {

class EventConnection : public EventClient {
 public:
  // Starts serving. The connection owns itself from here on, and is deleted when the conversation is over.
  static void Start(Connection connection, EventShared& shared);

  void OnEvents(uint8_t events) override;
  void OnTurn() override;
  void OnPauseOver() override;
  void OnTimer() override;
  void OnStop() override;
  void OnReady() override;
  void Drop() override { delete this; }

 private:
  Debt debt() const override;

  enum class Next { kRead, kWait, kEnd };  // For more input; for the socket, a turn or a timer; for nothing.

  EventConnection(Connection connection, EventShared& shared);
  ~EventConnection() override;

  Next Answer(Output& output);
  Next Park(Output& output, Flushed why);
  Next ParkFor(Output& output, absl::Duration pause);
  Next ParkForHelper(Output& output);
  void SetAside(Output& output);
  Next Linger();

  // Each returns false where the connection is over; the caller then deletes it.
  bool OnReadable();
  bool OnWritable();
  bool TakeWhatHasCome();
  bool ReadOnce(bool& drained);
  bool Discard();
  bool GoOn();
  bool TellTime();
  bool Unpark();

  bool edge_triggered() const;
  absl::Status AwaitInput();

  bool lingering_ = false;
  bool end_has_come_ = false;  // The peer's last bytes are there, with no further edge behind them (edges only).
  bool wake_is_due_ = false;   // It came while the output was parked.
  Conversation conversation_;
  std::unique_ptr<WakeList::Entry> mail_;  // Null where there is no mailbox.
  std::unique_ptr<Output> parked_;         // What the socket did not take; null: nothing.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EVENT_CONNECTION_H_
