// MailboxFd: a descriptor that is readable when a mailbox has something, for drivers that wait with poll(2). To be
// destroyed before the mailbox.
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
  // Fails for want of descriptors.
  static absl::StatusOr<std::unique_ptr<MailboxFd>> Open(Mailbox& mailbox);
  ~MailboxFd() { mailbox_.Attach(nullptr); }
  MailboxFd(const MailboxFd&) = delete;
  MailboxFd& operator=(const MailboxFd&) = delete;

  // The mailbox's own, where it has one; else one that a waker of ours makes readable.
  int fd() const { return own_.ok() ? own_.get() : mailbox_.fd(); }
  // What to wait for there (poll(2)): input, or only its end while the mailbox is full.
  short events() const { return own_.ok() || !mailbox_.is_full() ? POLLIN : 0; }
  // To be called when it is readable: makes it unreadable, until more comes.
  void Collect();

 private:
  MailboxFd(Mailbox& mailbox, UniqueFd own) : mailbox_(mailbox), own_(std::move(own)) {}
  void Wake() override;

  Mailbox& mailbox_;
  const UniqueFd own_;  // An eventfd.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_MAILBOX_FD_H_
