// SlowReaders: a thread of the load generator whose connections fetch a file by HTTP/1.1 over and over, and take only
// so many bytes per second of it, as somebody behind a thin line does. What the server has sent and they have not taken
// waits in the kernel, or in the server.
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

class SlowReaders : public LoadThread {
 public:
  // Each of the plan's connections reads so many bytes per second, over 0. Replies are whole files; the run may be too
  // short for one. It is a fault if the server gives one of them less than it would take.
  SlowReaders(const LoadPlan& share, double bytes_per_second);

  absl::Status Connect() override;

 private:
  struct Reader {
    UniqueFd fd;
    std::unique_ptr<Exchange> exchange;
    int64_t asked = 0;     // When the request was sent.
    int64_t retry_at = 0;  // Not connected: when to try again.
    double taken = 0;      // Bytes since the start.
    uint64_t replies = 0;  // Counted ones.
  };

  void Load() override;
  void Settle() override;
  bool Open(Reader& reader);
  void Ask(Reader& reader);
  void Visit(Reader& reader);
  bool Take(Reader& reader, size_t count);
  void OnLast(Reader& reader);
  void Lose(Reader& reader);
  void Reopen(Reader& reader);
  // What it would have taken by now.
  double Appetite() const { return bytes_per_second_ * static_cast<double>(now_ - start_) / kSecond; }

  const double bytes_per_second_;
  Dialer dialer_;
  std::vector<Reader> readers_;
  std::vector<char> buffer_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SLOW_READERS_H_
