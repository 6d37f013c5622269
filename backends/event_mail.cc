#include "backends/event_mail.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include "glog/logging.h"

namespace polyserve {

struct EventMail::Watched {
  Watched(Mailbox& mailbox, EventClient& client, EventShared& shared)
      : mailbox(mailbox), client(client), entry(*shared.wakes, client) {}

  Mailbox& mailbox;
  EventClient& client;
  WakeList::Entry entry;
  event readable;  // Where the mailbox has a descriptor.
};

EventMail::EventMail() = default;

void EventMail::Begin(Mailbox& mailbox, EventClient& client, EventShared& shared) {
  watch_ = std::make_unique<Watched>(mailbox, client, shared);
  if (mailbox.fd() < 0) return mailbox.Attach(&watch_->entry);
  const auto on_readable = [](evutil_socket_t, short, void* watch) {
    static_cast<Watched*>(watch)->mailbox.Collect();
    static_cast<Watched*>(watch)->client.OnMail();  // May destroy all of it.
  };
  CHECK_EQ(event_assign(&watch_->readable, shared.base, mailbox.fd(), EV_READ | EV_PERSIST, on_readable, watch_.get()),
           0);
  if (event_add(&watch_->readable, nullptr) == 0) return;
  LOG(WARNING) << "a mailbox cannot be watched, and is cut off";
  mailbox.Attach(&watch_->entry);
  mailbox.CutOff();
}

EventMail::~EventMail() {
  if (watch_ == nullptr) return;
  watch_->mailbox.Attach(nullptr);
  if (watch_->mailbox.fd() >= 0) event_del(&watch_->readable);
}

}  // namespace polyserve
