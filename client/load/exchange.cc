#include "client/load/exchange.h"

#include <algorithm>
#include <utility>

namespace polyserve {

FixedExchange::FixedExchange(std::shared_ptr<const std::string> request, std::shared_ptr<const std::string> reply)
    : request_(std::move(request)), reply_(std::move(reply)) {}

// Bytes behind the reply are left: they belong to the reply of the next request.
Exchange::Reply FixedExchange::Take(absl::string_view& bytes) {
  if (!TakeSame(*reply_, taken_, bytes)) return Reply::kWrong;
  if (taken_ < reply_->size()) return Reply::kIncomplete;
  taken_ = 0;
  return Reply::kComplete;
}

RotatingExchange::RotatingExchange(std::shared_ptr<const std::vector<Turn>> turns, size_t first)
    : turns_(std::move(turns)), asked_(first), answered_(first) {}

Exchange::Reply RotatingExchange::Take(absl::string_view& bytes) {
  const std::string& reply = TurnOf(answered_).reply;
  if (!TakeSame(reply, taken_, bytes)) return Reply::kWrong;
  if (taken_ < reply.size()) return Reply::kIncomplete;
  taken_ = 0;
  ++answered_;
  return Reply::kComplete;
}

// The lost turns are skipped, not repeated: the next request is the one behind them, and its reply is the next to come.
void RotatingExchange::Reset() {
  taken_ = 0;
  answered_ = asked_;
}

bool TakeSame(absl::string_view expected, size_t& taken, absl::string_view& bytes) {
  // One comparison for each piece, whatever its size, which is memcmp(3): this runs for every byte that the generator
  // receives.
  const size_t count = std::min(bytes.size(), expected.size() - taken);
  const bool same = bytes.substr(0, count) == expected.substr(taken, count);
  // After a difference the position means nothing, and only Reset() may follow.
  taken += count;
  bytes.remove_prefix(count);
  return same;
}

// The period of 90 is no power of two, so that a piece that is shifted by a whole buffer differs.
std::string PrintableText(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + i % 90);
  return text;
}

}  // namespace polyserve
