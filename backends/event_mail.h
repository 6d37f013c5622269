// EventMail: has an event loop call EventClient::OnMail() when the client's mailbox has something. To be destroyed
// before the mailbox: declare it behind the conversation.
#ifndef POLYSERVE_BACKENDS_EVENT_MAIL_H_
#define POLYSERVE_BACKENDS_EVENT_MAIL_H_

#include <memory>

#include "backends/event_client.h"
#include "room/mailbox.h"
#include "room/wake_list.h"

namespace polyserve {

class EventMail {
 public:
  EventMail();
  ~EventMail();
  EventMail(const EventMail&) = delete;
  EventMail& operator=(const EventMail&) = delete;

  // Begins with it, unless it has begun, or the mailbox is null; both cost nothing.
  void Watch(Mailbox* mailbox, EventClient& client, EventShared& shared) {
    if (mailbox != nullptr && watch_ == nullptr) Begin(*mailbox, client, shared);
  }

 private:
  struct Watched;

  void Begin(Mailbox& mailbox, EventClient& client, EventShared& shared);

  std::unique_ptr<Watched> watch_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_MAIL_H_
