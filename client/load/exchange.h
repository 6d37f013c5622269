// Exchange: the requests that one connection of the load generator sends, one after the other, and the check of each
// reply. Free of I/O: the counterpart of a server's Session, and tested like one, without a socket.
//
//   Ask() ──▶ Ask() ...              up to LoadPlan::depth requests before their replies
//   Take() ──▶ kIncomplete           more bytes are needed
//          ├─▶ kComplete, kLast      one reply, and it is right; Ask() again, after kLast on a new connection
//          └─▶ kWrong                Reset(), and a new connection
#ifndef POLYSERVE_CLIENT_LOAD_EXCHANGE_H_
#define POLYSERVE_CLIENT_LOAD_EXCHANGE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve {

// Each connection has one, for the whole run; it survives reconnections. Calls never overlap, and come from the thread
// of the connection. A reply is checked in full, because a server that answers wrongly may be very fast; so Take()
// should cost much less than the server's work on the request.
class Exchange {
 public:
  // kLast: complete and right, but the server will close the connection: continue on a new one.
  enum class Reply { kIncomplete, kComplete, kLast, kWrong };

  virtual ~Exchange() = default;

  // The next request. Valid until the next call of Ask(), which comes only when all of this one has been sent or the
  // connection was lost. Must not block; if it takes long (for a system call), set LoadPlan::asking_takes_time.
  virtual absl::string_view Ask() = 0;

  // Consumes received bytes from the front of `bytes`, up to the end of one reply. Any slicing of the bytes must give
  // the same results. After kWrong, only Reset() may follow.
  virtual Reply Take(absl::string_view& bytes) = 0;

  // The server has closed the connection. Returns kLast if that ends a reply, kIncomplete if no reply was in progress,
  // kWrong if it cuts one off.
  virtual Reply TakeEnd() = 0;

  // True if the protocol lets a server close a connection between two replies at any time. Requests without a reply are
  // then sent again on a new connection (RFC 9112, section 9.3.1), instead of counting as broken.
  virtual bool may_ask_again() const { return false; }

  // The connection has ended; the next call is Ask(), for a new one. Forgets the requests without a reply: those that
  // must be sent again are asked for again.
  virtual void Reset() = 0;
};

// Creates the exchange of a connection. Called once for each, before the threads start.
using ExchangeFactory = std::function<std::unique_ptr<Exchange>()>;

// Sends the same request and expects the same reply each time: echo, compute, and a file by the file service.
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

// Sends several requests in turn, over and over; each has a reply of its own: the parts of a file by the file service.
class RotatingExchange : public Exchange {
 public:
  struct Turn {
    std::string request;
    std::string reply;  // Not empty.
  };

  // Begins with the turn of the index `first`. `turns` is not empty, and shared by all connections.
  RotatingExchange(std::shared_ptr<const std::vector<Turn>> turns, size_t first);

  absl::string_view Ask() override { return TurnOf(asked_++).request; }
  Reply Take(absl::string_view& bytes) override;
  Reply TakeEnd() override { return taken_ == 0 ? Reply::kIncomplete : Reply::kWrong; }
  void Reset() override;

 private:
  const Turn& TurnOf(size_t number) const { return (*turns_)[number % turns_->size()]; }

  const std::shared_ptr<const std::vector<Turn>> turns_;
  size_t asked_;     // The number of the next request,
  size_t answered_;  // and of the next reply.
  size_t taken_ = 0;
};

// Compares the front of `bytes` with `expected` from its byte `taken` on, consumes what both have, and advances
// `taken`. Returns false if they differ.
bool TakeSame(absl::string_view expected, size_t& taken, absl::string_view& bytes);

// `size` bytes to send: printable, and not all the same.
std::string PrintableText(size_t size);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_EXCHANGE_H_
