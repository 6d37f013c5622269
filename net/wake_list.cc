#include "net/wake_list.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

constexpr int kMailboxesPerTurn = 64;

}  // namespace

WakeList::Entry::Entry(WakeList& list, Wakeable& client, Mailbox& mailbox)
    : list_(list), client_(client), mailbox_(&mailbox) {
  mailbox.Attach(this);
  if (mailbox.fd() < 0 || list.WatchDescriptor(mailbox.fd(), this, EPOLLIN | EPOLLET)) return;
  LOG(WARNING) << "a mailbox cannot be watched, and is cut off: " << SysError("epoll_ctl").message();
  mailbox.CutOff();
}

WakeList::Entry::~Entry() {
  if (mailbox_ != nullptr) mailbox_->Attach(nullptr);
  if (mailbox_ != nullptr && mailbox_->fd() >= 0)
    ::epoll_ctl(list_.epoll_.get(), EPOLL_CTL_DEL, mailbox_->fd(), nullptr);
  list_.Remove(*this);
}

absl::StatusOr<std::unique_ptr<WakeList>> WakeList::Create() {
  UniqueFd wakes(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wakes.ok()) return SysError("eventfd");
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  std::unique_ptr<WakeList> list(new WakeList(std::move(wakes), std::move(epoll)));
  if (!list->WatchDescriptor(list->wakes_.get(), nullptr, EPOLLIN | EPOLLET)) return SysError("epoll_ctl");
  return list;
}

bool WakeList::WatchDescriptor(int fd, Entry* entry, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = entry;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// What is collected from a mailbox's descriptor wakes its client, as any message does. Told by edges: one that is full
// stays readable.
void WakeList::TakeWake() {
  epoll_event events[kMailboxesPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kMailboxesPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) continue;
    Mailbox& mailbox = *static_cast<Entry*>(events[i].data.ptr)->mailbox_;
    mailbox.Collect();
    if (mailbox.is_cut_off()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, mailbox.fd(), nullptr);  // It stays readable.
  }
}

// The first one wakes the loop; the others are found by it.
void WakeList::Add(Entry& entry) {
  MutexLock lock(mutex_);
  if (entry.is_listed_) return;
  entry.is_listed_ = true;
  woken_.push_back(&entry);
  if (woken_.size() > 1) return;
  is_empty_.store(false, std::memory_order_release);
  if (::pthread_equal(owner_, ::pthread_self())) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wakes_.get(), &one, sizeof(one));
}

void WakeList::Remove(Entry& entry) {
  MutexLock lock(mutex_);
  if (!entry.is_listed_) return;
  std::erase(woken_, &entry);
  is_empty_.store(woken_.empty(), std::memory_order_release);
}

void WakeList::Deliver() {
  if (empty()) return;
  {
    MutexLock lock(mutex_);
    called_.swap(woken_);
    is_empty_.store(true, std::memory_order_release);
    for (Entry* entry : called_) entry->is_listed_ = false;
  }
  for (Entry* entry : called_) entry->client_.OnReady();
  called_.clear();
}

}  // namespace polyserve
