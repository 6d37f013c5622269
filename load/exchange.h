// Exchange: what one connection of the load generator says, over and over, and whether it gets the right answer. Free
// of I/O: the counterpart of a server's Session.
#ifndef POLYSERVE_LOAD_EXCHANGE_H_
#define POLYSERVE_LOAD_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class Exchange {
 public:
  enum class Reply { kIncomplete, kComplete, kWrong };

  virtual ~Exchange() = default;

  // The request that is sent each time. Valid as long as the exchange is.
  virtual absl::string_view request() const = 0;

  // Takes bytes that have come, up to the end of one reply, from the front of `bytes`. After kWrong the connection is
  // of no more use.
  virtual Reply Take(absl::string_view& bytes) = 0;
};

// Makes one for each connection. Called from several threads.
using ExchangeFactory = std::function<std::unique_ptr<Exchange>()>;

// The reply is always the same: echo, compute, message, and a file by the file service.
class FixedExchange : public Exchange {
 public:
  FixedExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> reply);

  absl::string_view request() const override { return *request_; }
  Reply Take(absl::string_view& bytes) override;

 private:
  const std::shared_ptr<const std::string> request_;
  const std::shared_ptr<const std::string> reply_;
  size_t taken_ = 0;
};

// A GET of HTTP/1.1: the head has to say 200 and the content's length, and the content is always the same.
class HttpExchange : public Exchange {
 public:
  // More of a head is taken for nonsense.
  static constexpr size_t kMaxHeadBytes = 16 * 1024;

  HttpExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> content);

  absl::string_view request() const override { return *request_; }
  Reply Take(absl::string_view& bytes) override;

 private:
  bool TakeHead(absl::string_view& bytes);

  const std::shared_ptr<const std::string> request_;
  const std::shared_ptr<const std::string> content_;
  std::string head_;  // What has come of a head that did not come as a whole.
  bool in_content_ = false;
  bool wrong_ = false;
  size_t taken_ = 0;  // Of the content.
};

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_EXCHANGE_H_
