#include "backends/event_mail.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include "glog/logging.h"

namespace polyserve {

struct EventMail::Watch {
  Watch(Mailbox& mailbox, EventClient& client, EventShared& shared)
      : mailbox(mailbox), client(client), entry(*shared.wakes, client) {}

  Mailbox& mailbox;
  EventClient& client;
  WakeList::Entry entry;
  event readable;  // Where the mailbox has a descriptor.
};

EventMail::EventMail(Mailbox* mailbox, EventClient& client, EventShared& shared)
    : watch_(mailbox == nullptr ? nullptr : std::make_unique<Watch>(*mailbox, client, shared)) {
  if (mailbox == nullptr) return;
  if (mailbox->fd() < 0) {
    mailbox->Attach(&watch_->entry);
    return;
  }
  const auto on_readable = [](evutil_socket_t, short, void* watch) {
    static_cast<Watch*>(watch)->mailbox.Collect();
    static_cast<Watch*>(watch)->client.OnMail();  // May destroy all of it.
  };
  CHECK_EQ(event_assign(&watch_->readable, shared.base, mailbox->fd(), EV_READ | EV_PERSIST, on_readable, watch_.get()),
           0);
  if (event_add(&watch_->readable, nullptr) == 0) return;
  LOG(WARNING) << "a mailbox cannot be watched, and is cut off";
  mailbox->Attach(&watch_->entry);
  mailbox->CutOff();
}

EventMail::~EventMail() {
  if (watch_ == nullptr) return;
  watch_->mailbox.Attach(nullptr);
  if (watch_->mailbox.fd() >= 0) event_del(&watch_->readable);
}

}  // namespace polyserve
