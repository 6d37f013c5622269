// What tests look at in a whole reply of http.
#ifndef POLYSERVE_TESTS_HTTP_REPLY_H_
#define POLYSERVE_TESTS_HTTP_REPLY_H_

#include <cstddef>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Its status code; -1: it is no reply.
inline int CodeOf(absl::string_view reply) {
  int code = 0;
  return absl::SimpleAtoi(reply.substr(0, 12).substr(9), &code) ? code : -1;
}

// What follows the head.
inline std::string ContentOf(absl::string_view reply) {
  const size_t end = reply.find("\r\n\r\n");
  return end == absl::string_view::npos ? "no end of the head" : std::string(reply.substr(end + 4));
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_HTTP_REPLY_H_
