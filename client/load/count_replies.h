// CountReplies: what an exchange makes of bytes that come in pieces.
#ifndef POLYSERVE_CLIENT_LOAD_COUNT_REPLIES_H_
#define POLYSERVE_CLIENT_LOAD_COUNT_REPLIES_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "client/load/exchange.h"

namespace polyserve {

// How many replies are in it, shown in pieces of this size; -1 if one is wrong.
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
