// SlowReaders: a thread of the load generator whose connections fetch a file by HTTP/1.1 over and over, but read only a
// few bytes per second, like clients behind a slow link. What the server has sent and they have not read waits in the
// kernel or in the server: the load shows what such clients cost the others.
//
//   allowed bytes of each reader = rate x time since the start        (Appetite())
//   each tenth of a second: read until `taken` has reached that, or nothing more is there
//
// A visit that comes late reads more, so the rate is right on average whatever the scheduler does. It is not a cap at
// any moment: a reader that was without data catches up as fast as the server sends.
#ifndef POLYSERVE_CLIENT_LOAD_SLOW_READERS_H_
#define POLYSERVE_CLIENT_LOAD_SLOW_READERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/unique_fd.h"
#include "client/load/dialer.h"
#include "client/load/exchange.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"

namespace polyserve {

// The readers are visited in turn, ten times a second each, without epoll(7): each reads what its rate allows by then.
class SlowReaders : public LoadThread {
 public:
  // `share` is this thread's part of the plan; make_exchange is set. Each of the plan's connections reads
  // `bytes_per_second`, above 0. A reply is a whole file; the run may be too short for one. If the server sends less
  // than a connection would read, that is a fault (LoadTally::faults).
  SlowReaders(const LoadPlan& share, double bytes_per_second);

  absl::Status Connect() override;

 private:
  struct Reader {
    UniqueFd fd;
    std::unique_ptr<Exchange> exchange;
    int64_t asked = 0;     // When the request was sent.
    int64_t retry_at = 0;  // If it is not connected: when to try again.
    double taken = 0;      // Bytes read since the start.
    uint64_t replies = 0;  // Counted ones.
  };

  // Visits the readers until the plan's end.
  void Load() override;
  // Does not wait; judges whether the readers got what they would have read.
  void Settle() override;

  // Connects, with a receive buffer so small that the server notices the reader's rate. False if that fails. Blocks for
  // the plan's patience at most; the other readers wait meanwhile, and catch up.
  bool Open(Reader& reader);
  void Ask(Reader& reader);
  // Reads as much as the reader may by now.
  void Visit(Reader& reader);
  // Reads once, at most `most` bytes. False if the reader must wait.
  bool Take(Reader& reader, size_t most);
  // A whole reply, after which the server closes.
  void OnLast(Reader& reader);
  // The connection is lost within a reply.
  void Lose(Reader& reader);
  // Makes a new connection and sends the request; if that fails, a tenth of a second later again.
  void Reopen(Reader& reader);
  // The bytes that a reader would have read by now.
  double Appetite() const { return bytes_per_second_ * static_cast<double>(now_ - start_) / kSecond; }

  const double bytes_per_second_;
  Dialer dialer_;
  std::vector<Reader> readers_;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SLOW_READERS_H_
