// Admission: counts clients in, and holds their number to the connection limit (connection_limit.h). One for each
// acceptor; one thread.
//
//   --overload=wait    a place is reserved before accept(2), so that a client above the limit stays in the kernel's
//                      queue, and costs nothing. Accepting goes on when capacity_fd() is readable.
//   --overload=refuse  clients are accepted first, then counted; one above the limit is closed at once.
//   no limit           clients are counted, and that is all.
//
//   wait:    Reserve() ─▶ accept(2) ─┬▶ served ─▶ CountEnd()       refuse, no limit:  accept(2) ─▶ Enter() ─▶ served
//                                    └▶ none there: Withdraw()                                      └▶ CountRefused()
#ifndef POLYSERVE_BACKENDS_ACCEPT_ADMISSION_H_
#define POLYSERVE_BACKENDS_ACCEPT_ADMISSION_H_

#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "net/statistics.h"

namespace polyserve {

class Admission {
 public:
  // The context must outlive it. Opens nothing: a model that never accepts by itself pays nothing.
  explicit Admission(ServerContext& context);

  // True with --overload=wait: Reserve() counts a client in, and Enter() must not be called for it.
  bool reserves() const { return reserves_; }

  // Reserves the place of the listener's next client if reserves(), else does nothing; Withdraw() gives it back. Waits
  // for no client, but sums up the statistics under a lock of microseconds (ConnectionLimit::TryAcquire()).
  // FailedPrecondition: the server is full; see capacity_fd(). ResourceExhausted: no descriptor is left to wait with.
  absl::Status Reserve(const Listener& listener);

  // Counts in a client that is there already. False: the server is full, and nothing was counted.
  bool Enter(const Listener& listener);

  // Takes back a Reserve() or Enter(): the client did not come, or cannot stay.
  void Withdraw(const Listener& listener);

  // Counts a client that was turned away.
  void CountRefused(const Listener& listener);

  // Readable when a full server may have a place again, until TakeCapacityEvent(). Another acceptor may be quicker to
  // take the place. -1 until Reserve() is called for the first time.
  int capacity_fd() const { return capacity_.get(); }
  void TakeCapacityEvent();
  // Reserve() has failed since the last TakeCapacityEvent(): wait before trying again.
  bool awaits_capacity() const { return awaits_capacity_; }

 private:
  Counters& CountersOf(const Listener& listener) const;

  ServerContext& context_;
  const bool reserves_;
  // An epoll that awaits edges of the connection limit's descriptor: each acceptor sees all of them, and takes none
  // away from another.
  UniqueFd capacity_;
  bool awaits_capacity_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_ADMISSION_H_
