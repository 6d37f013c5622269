#include "backends/transmit.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/logging.h"

namespace polyserve {

namespace {

constexpr int kMaxPieces = 64;
constexpr int64_t kMaxSendfileBytes = 1 << 30;  // sendfile(2) takes at most 2 GiB at once.

ssize_t SendMemory(int fd, const iovec* pieces, int count, bool more_follows) {
  // MSG_MORE: the head of a reply and the file behind it share packets.
  const int flags = MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
  if (count == 1) return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<size_t>(count);
  return ::sendmsg(fd, &message, flags);
}

// Sends from the front; returns what the system call did.
ssize_t SendFront(int fd, const Output& output, int64_t budget) {
  iovec pieces[kMaxPieces];
  if (const int count = output.FrontMemory(pieces, kMaxPieces); count > 0) {
    return SendMemory(fd, pieces, count, output.file_ranges() > 0);
  }
  const Output::FileRange& range = *output.FrontFile();
  off_t offset = range.offset;
  const int64_t length = std::min({range.length, budget, kMaxSendfileBytes});
  const ssize_t sent = ::sendfile(fd, range.file->get(), &offset, static_cast<size_t>(length));
  if (sent == 0) {
    LOG(WARNING) << "a file became shorter while it was being sent; the connection is broken off";
    errno = EIO;
    return -1;
  }
  return sent;
}

}  // namespace

void CountRequests(Output& output, Counters& counters) {
  const Output::Counts counts = output.TakeCounts();
  if (counts.requests > 0) Counters::Add(counters.requests, counts.requests);
  if (counts.errors > 0) Counters::Add(counters.errors, counts.errors);
}

Transmitted Transmit(int fd, Output& output, int64_t budget, Counters& counters) {
  int64_t total = 0;
  Transmitted result = Transmitted::kAll;
  while (!output.empty()) {
    if (total >= budget) {
      result = Transmitted::kBudget;
      break;
    }
    const ssize_t sent = SendFront(fd, output, budget - total);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      result = errno == EAGAIN ? Transmitted::kBlocked : Transmitted::kBroken;
      break;
    }
    output.Sent(sent);
    total += sent;
  }
  if (total > 0) Counters::Add(counters.bytes_out, total);
  CountRequests(output, counters);
  return result;
}

}  // namespace polyserve
