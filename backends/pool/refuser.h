// Refuser: turns away clients that were accepted and that no worker has time for. Each gets what its protocol says to
// that (backends/connection/refusal.h), and is read from until it closes its side, so that no reset destroys the words
// (lingering_close.h). All that in one thread, without a wait.
//
//   Refuse() ─▶ said, our side closed ─▶ Attend(): discards what comes ─▶ the client closes, or 2 s: closed
//
// Belongs to the pool's thread. While fd() is readable, or when UntilEnd() is over, call Attend().
#ifndef POLYSERVE_BACKENDS_POOL_REFUSER_H_
#define POLYSERVE_BACKENDS_POOL_REFUSER_H_

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

class Refuser {
 public:
  // How many may linger. If there are more, the oldest is closed at once.
  static constexpr size_t kMostLingering = 256;

  // `also`: a descriptor of the caller's; fd() is readable as well while that is. Fails if no descriptor is left.
  static absl::StatusOr<std::unique_ptr<Refuser>> Create(int also);

  // Takes the client over, which is counted as refused already. See SayRefusal() for what is counted besides.
  void Refuse(Connection client, const ServerContext& context);

  int fd() const { return epoll_.get(); }
  void Attend();
  // In a forked child: closes its copies of all that linger, which the parent goes on to watch.
  void CloseInChild() { lingering_.clear(); }
  // In how long the first one has lingered for long enough; infinite if there is none.
  absl::Duration UntilEnd() const;

 private:
  struct Lingering {
    UniqueFd fd;
    Deadline end;
    std::list<Lingering>::iterator self;
  };

  explicit Refuser(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  void Linger(UniqueFd fd);
  void Close(const Lingering& client);

  const UniqueFd epoll_;
  std::list<Lingering> lingering_;  // In the order in which they end, all having the same time.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_REFUSER_H_
