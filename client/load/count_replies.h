// CountReplies: a helper of tests, which passes replies to an exchange in pieces of a given size.
//
//   for (const size_t size : {1, 7, 1000}) EXPECT_EQ(CountReplies(exchange, two_replies, size), 2);
#ifndef POLYSERVE_CLIENT_LOAD_COUNT_REPLIES_H_
#define POLYSERVE_CLIENT_LOAD_COUNT_REPLIES_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "client/load/exchange.h"

namespace polyserve {

// Passes `bytes` in pieces of `piece_size`, above 0, and returns the number of complete replies; -1 if one is wrong.
// The result must be the same for every piece size. Sends no requests: for exchanges whose replies do not depend on
// them, or after as many Ask() as there are replies. Goes on after kLast as if the connection stayed open.
inline int CountReplies(Exchange& exchange, absl::string_view bytes, size_t piece_size) {
  int count = 0;
  while (!bytes.empty()) {
    absl::string_view piece = bytes.substr(0, piece_size);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      const Exchange::Reply reply = exchange.Take(piece);
      if (reply == Exchange::Reply::kWrong) return -1;
      if (reply == Exchange::Reply::kComplete || reply == Exchange::Reply::kLast) ++count;
    }
  }
  return count;
}

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_COUNT_REPLIES_H_
