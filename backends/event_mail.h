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
  // The mailbox may be null: nothing happens then, and nothing is kept.
  EventMail(Mailbox* mailbox, EventClient& client, EventShared& shared);
  ~EventMail();

 private:
  struct Watch;
  const std::unique_ptr<Watch> watch_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_MAIL_H_
