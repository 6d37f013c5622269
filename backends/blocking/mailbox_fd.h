// MailboxFd: a descriptor that is readable when a mailbox has something, so that a driver can wait for the peer and for
// mail with one poll(2).
//
//   pollfd waits[] = {{socket, POLLIN, 0}, {mail->fd(), mail->events(), 0}};
//   ::poll(waits, 2, timeout);
//   if (waits[1].revents != 0) mail->Collect();    then Mailbox::Next(), or is_cut_off()
//
// A mailbox of this process gets an eventfd(2), which its waker makes readable; one whose messages come from the hub
// has a socket of its own (Mailbox::fd()). To be destroyed before the mailbox. One thread, the driver's.
#ifndef POLYSERVE_BACKENDS_BLOCKING_MAILBOX_FD_H_
#define POLYSERVE_BACKENDS_BLOCKING_MAILBOX_FD_H_

#include <poll.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"

namespace polyserve {

class MailboxFd final : private Waker {
 public:
  // Attaches to the mailbox, unless that has a descriptor of its own. Fails if the process has no descriptor left
  // (EMFILE, ENFILE); then the mailbox cannot be waited for.
  static absl::StatusOr<std::unique_ptr<MailboxFd>> Open(Mailbox& mailbox);
  ~MailboxFd() { mailbox_.Attach(nullptr); }
  MailboxFd(const MailboxFd&) = delete;
  MailboxFd& operator=(const MailboxFd&) = delete;

  // The descriptor to wait for, and what to wait for there; ask for both before each poll(2). It belongs to this object
  // or to the mailbox. -1: for nothing now. Not for input while the mailbox is full, since that would end every wait
  // until the driver has taken some mail; for room while the session waits for that.
  int fd() const;
  short events() const;
  // Call it when the descriptor is readable. Moves what has come into the mailbox, and makes the descriptor unreadable
  // until more comes. Does not block.
  void Collect();

 private:
  MailboxFd(Mailbox& mailbox, UniqueFd own) : mailbox_(mailbox), own_(std::move(own)) {}
  void Wake() override;

  Mailbox& mailbox_;
  const UniqueFd own_;  // An eventfd.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_MAILBOX_FD_H_
