#include "net/wake_list.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// Events fetched by one call; those beyond it keep fd() readable, and come in the next iteration.
constexpr int kMailboxesPerTurn = 64;

}  // namespace

// Attached before the descriptor is watched; mail that is there already is reported by either. Adding a descriptor that
// is readable makes an event even with EPOLLET (epoll(7)).
WakeList::Entry::Entry(WakeList& list, Wakeable& client, Mailbox& mailbox)
    : list_(list), client_(client), mailbox_(&mailbox) {
  mailbox.Attach(this);
  if (mailbox.fd() < 0 || list.WatchDescriptor(EPOLL_CTL_ADD, mailbox.fd(), this, EPOLLIN | EPOLLET)) return;
  LOG_FLOOD(WARNING) << "cannot watch a mailbox, so its member is disconnected: " << SysError("epoll_ctl").message();
  mailbox.CutOff();
}

// First no thread may wake this entry any more, then it leaves the list. The other way round, a message in between
// would list an entry that is gone.
WakeList::Entry::~Entry() {
  if (mailbox_ != nullptr) mailbox_->Attach(nullptr);
  if (mailbox_ != nullptr && mailbox_->fd() >= 0)
    ::epoll_ctl(list_.epoll_.get(), EPOLL_CTL_DEL, mailbox_->fd(), nullptr);
  if (place_ != nullptr) *place_ = nullptr;
  list_.Remove(*this);
}

// Only while the session waits for room: a stream that has some reports an edge whenever its reader takes anything. If
// there is room by now, changing what is watched reports it at once (epoll_ctl(2)): so it is changed for each wait,
// even if another thread has taken the edge before the session began to wait.
void WakeList::Entry::WatchRoom(bool room) {
  if ((!room && !watches_room_) || mailbox_->fd() < 0) return;
  watches_room_ = room;
  const uint32_t events = room ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN | EPOLLET;
  list_.WatchDescriptor(EPOLL_CTL_MOD, mailbox_->fd(), this, events);  // It is there, so that cannot fail.
}

absl::StatusOr<std::unique_ptr<WakeList>> WakeList::Create() {
  UniqueFd wakes(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wakes.ok()) return SysError("eventfd");
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  std::unique_ptr<WakeList> list(new WakeList(std::move(wakes), std::move(epoll)));
  if (!list->WatchDescriptor(EPOLL_CTL_ADD, list->wakes_.get(), nullptr, EPOLLIN | EPOLLET)) {
    return SysError("epoll_ctl");
  }
  return list;
}

bool WakeList::WatchDescriptor(int operation, int fd, Entry* entry, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  // Null stands for the eventfd.
  event.data.ptr = entry;
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

// What is collected from a mailbox's descriptor wakes its client, as any message does. The events are edge-triggered,
// because the descriptor of a mailbox that is full stays readable, and would keep the loop from ever waiting.
void WakeList::TakeWake() {
  epoll_event events[kMailboxesPerTurn];
  const int count = ::epoll_wait(epoll_.get(), events, kMailboxesPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) continue;
    Entry& entry = *static_cast<Entry*>(events[i].data.ptr);
    Mailbox& mailbox = *entry.mailbox_;
    mailbox.Collect();
    if (!mailbox.awaits_room()) entry.WatchRoom(false);
    if (mailbox.is_cut_off()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, mailbox.fd(), nullptr);  // It stays readable.
  }
}

// Only the first entry wakes the loop, since Deliver() finds all of them. A wake from the loop's own thread needs no
// write to the eventfd: the loop looks at empty() before it waits.
void WakeList::Add(Entry& entry) {
  MutexLock lock(mutex_);
  if (entry.is_listed_) return;
  entry.is_listed_ = true;
  woken_.push_back(&entry);
  if (woken_.size() > 1) return;
  is_empty_.store(false, std::memory_order_release);
  if (::pthread_equal(owner_, ::pthread_self())) return;
  Interrupt();
}

// Every write to an eventfd is an event for an edge-triggered epoll, even if its counter is above zero already; so it
// is never read. The counter would need 2^64 wakes to be full.
void WakeList::Interrupt() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wakes_.get(), &one, sizeof(one));
}

// A linear search, but only for a client that leaves while it is listed.
void WakeList::Remove(Entry& entry) {
  MutexLock lock(mutex_);
  if (!entry.is_listed_) return;
  std::erase(woken_, &entry);
  is_empty_.store(woken_.empty(), std::memory_order_release);
}

// The batch is swapped out and each entry unlisted before any client is called. So a client can be woken again while it
// is being called, and a chat that answers itself cannot keep the loop here. OnReady() may destroy its own entry, which
// is not touched after that. place_ lets a destructor find its entry in the batch, whose vector does not move
// meanwhile: woken_ takes what is new.
void WakeList::Deliver() {
  if (empty()) return;
  {
    MutexLock lock(mutex_);
    called_.swap(woken_);
    is_empty_.store(true, std::memory_order_release);
    for (Entry*& entry : called_) {
      entry->is_listed_ = false;
      entry->place_ = &entry;
    }
  }
  for (Entry*& entry : called_) {
    if (entry == nullptr) continue;
    entry->place_ = nullptr;  // First: the call may destroy it.
    entry->client_.OnReady();
  }
  called_.clear();
}

}  // namespace polyserve
