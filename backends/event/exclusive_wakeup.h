// ExclusiveWakeup: has the kernel wake one of several loops for each client, and each in its turn.
//
// Loops that wait at the same listener are all woken for each client, only for one of them to find somebody there: the
// thundering herd. EPOLLEXCLUSIVE (epoll_ctl(2)) wakes one, but libevent (2.1) has no word for it, and hides its epoll.
// Waiting at an epoll of our own inside of libevent's would not do: the flag works on whoever sleeps in epoll_wait() on
// that very epoll, and there nobody would. So this finds libevent's epoll, by asking /proc which one watches the
// descriptor, and registers it there once more, the way libevent itself does, with the flag.
//
// The one who is woken is always the first in the row who has time, so that nearly all clients would come to one loop.
// Registering again puts a loop last; nginx does so, too (ngx_reorder_accept_events).
#ifndef POLYSERVE_BACKENDS_EVENT_EXCLUSIVE_WAKEUP_H_
#define POLYSERVE_BACKENDS_EVENT_EXCLUSIVE_WAKEUP_H_

namespace polyserve {

class ExclusiveWakeup {
 public:
  // Puts this loop last in the row. `fd` is a descriptor that libevent watches, for reading, with epoll, for this loop;
  // its number is the loop's own (dup(2)), though its listener is not. If none is found, all is as it was. False: the
  // system has no room for it any more, and it is not watched.
  bool Requeue(int fd);

 private:
  int epoll_ = -1;  // libevent's; -1 until it is known.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_EXCLUSIVE_WAKEUP_H_
