#include "backends/blocking/mailbox_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<MailboxFd>> MailboxFd::Open(Mailbox& mailbox) {
  // An eventfd(2) and not a pipe: it takes one descriptor instead of two, and one read takes any number of wakes.
  UniqueFd own;
  if (mailbox.fd() < 0) own.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (mailbox.fd() < 0 && !own.ok()) return SysError("eventfd");
  std::unique_ptr<MailboxFd> mail(new MailboxFd(mailbox, std::move(own)));
  // Mail that is there already wakes at once, so none is missed.
  if (mail->own_.ok()) mailbox.Attach(mail.get());
  return mail;
}

int MailboxFd::fd() const {
  if (own_.ok()) return own_.get();
  return events() != 0 || mailbox_.awaits_end() ? mailbox_.fd() : -1;
}

short MailboxFd::events() const {
  const int input = own_.ok() || mailbox_.awaits_input() ? POLLIN : 0;
  return static_cast<short>(input | (mailbox_.awaits_room() ? POLLOUT : 0));
}

// The eventfd is read before the mailbox is: mail that comes in between wakes again, in vain at worst.
void MailboxFd::Collect() {
  if (!own_.ok()) return mailbox_.Collect();
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(own_.get(), &count, sizeof(count));
}

// In the speaker's thread, with the room's lock held: the eventfd is non-blocking, and its counter does not fill up.
void MailboxFd::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(own_.get(), &one, sizeof(one));
}

}  // namespace polyserve
