// GatherBytes: the bytes that the pieces of a message (sendmsg(2)) have together, or the first of them.
#ifndef POLYSERVE_TESTS_SIMULATION_GATHER_BYTES_H_
#define POLYSERVE_TESTS_SIMULATION_GATHER_BYTES_H_

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace polyserve::simulation {

inline size_t SizeOf(const msghdr& message) {
  size_t size = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) size += message.msg_iov[i].iov_len;
  return size;
}

inline std::string GatherBytes(const msghdr& message, size_t most) {
  std::string bytes;
  for (size_t i = 0; i < message.msg_iovlen && bytes.size() < most; ++i) {
    const iovec& piece = message.msg_iov[i];
    bytes.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, most - bytes.size()));
  }
  return bytes;
}

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_GATHER_BYTES_H_
