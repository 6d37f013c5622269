// Exchange: what one connection of the load generator says, over and over, and whether it gets the right answer. Free
// of I/O: the counterpart of a server's Session.
#ifndef POLYSERVE_CLIENT_LOAD_EXCHANGE_H_
#define POLYSERVE_CLIENT_LOAD_EXCHANGE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class Exchange {
 public:
  // kLast: complete, and right, but the connection ends with it: go on with a new one.
  enum class Reply { kIncomplete, kComplete, kLast, kWrong };

  virtual ~Exchange() = default;

  // The next request. Valid until the next call.
  virtual absl::string_view Ask() = 0;

  // Takes bytes that have come, up to the end of one reply, from the front of `bytes`. After kWrong the connection is
  // of no more use.
  virtual Reply Take(absl::string_view& bytes) = 0;

  // The server has closed the connection. kLast: that was the end of a reply. kIncomplete: it did so between two
  // replies. kWrong: within one.
  virtual Reply TakeEnd() = 0;

  // True if a server may close the connection between two replies whenever it likes; what was asked by then and not
  // answered is to be asked again on a new one (RFC 9112, section 9.3.1).
  virtual bool may_ask_again() const { return false; }

  // Goes on with a new connection: what was asked for and has not been answered is lost.
  virtual void Reset() = 0;
};

// Makes one for each connection. Called from several threads.
using ExchangeFactory = std::function<std::unique_ptr<Exchange>()>;

// The reply is always the same: echo, compute, message, and a file by the file service.
class FixedExchange : public Exchange {
 public:
  FixedExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> reply);

  absl::string_view Ask() override { return *request_; }
  Reply Take(absl::string_view& bytes) override;
  Reply TakeEnd() override { return taken_ == 0 ? Reply::kIncomplete : Reply::kWrong; }
  void Reset() override { taken_ = 0; }

 private:
  const std::shared_ptr<const std::string> request_;
  const std::shared_ptr<const std::string> reply_;
  size_t taken_ = 0;
};

// Takes what belongs to `expected` behind its first `taken` bytes from the front of `bytes`. False if it is not the
// same.
bool TakeSame(absl::string_view expected, size_t& taken, absl::string_view& bytes);

// So many bytes to send: printable, and not all the same.
std::string PrintableText(size_t size);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_EXCHANGE_H_
