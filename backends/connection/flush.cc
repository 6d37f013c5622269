#include "backends/connection/flush.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/logging.h"

namespace polyserve {

namespace {

// On the stack, 1 KiB; sendmsg(2) would take 1024 (IOV_MAX). Output joins neighbouring writes, so only shared bytes,
// such as the messages of a chat, come in many pieces.
constexpr int kMaxPieces = 64;
constexpr int64_t kMaxSendfileBytes = 1 << 30;  // sendfile(2) takes at most 2 GiB at once.

// Most replies are one piece, for which send(2) spares the kernel the header and the array that sendmsg(2) has to copy
// in. MSG_NOSIGNAL: if the peer has gone, the call fails with EPIPE, without a SIGPIPE. sendfile(2) has no such flag,
// and relies on the server ignoring that signal (Signals::Install()).
ssize_t SendMemory(int fd, const iovec* pieces, int count, bool more_follows) {
  // MSG_MORE: the head of a reply and the file behind it share packets.
  const int flags = MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0);
  if (count == 1) return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
  msghdr message = {};
  // The struct serves recvmsg(2) as well, so it has no const; sendmsg(2) only reads.
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<size_t>(count);
  return ::sendmsg(fd, &message, flags);
}

struct Sent {
  ssize_t bytes;     // -1: errno says why.
  Flushed if_short;  // What it means that they are fewer than were offered.
  bool is_short;
};

// A stream socket takes fewer bytes of memory than it is offered only if it is full.
Sent SendMemoryAtFront(int fd, const iovec* pieces, int count, bool more_follows) {
  size_t offered = 0;
  for (int i = 0; i < count; ++i) offered += pieces[i].iov_len;
  const ssize_t sent = SendMemory(fd, pieces, count, more_follows);
  return {sent, Flushed::kBlocked, sent < static_cast<ssize_t>(offered)};
}

// With a file a short count may also mean that fewer bytes could be read, so it does not prove that the socket is full:
// an edge might never come. A count of 0 means that the file ends before the range. The head of the reply has promised
// its length, and the peer would wait for the rest, so the connection has to break.
Sent SendFileAtFront(int fd, const Output::FileRange& range, int64_t budget) {
  // Given an offset, sendfile(2) neither uses nor moves the position of the open file, so one open file can serve
  // several replies at once.
  off_t offset = range.offset;
  const int64_t length = std::min({range.length, budget, kMaxSendfileBytes});
  const ssize_t sent = ::sendfile(fd, range.file->get(), &offset, static_cast<size_t>(length));
  if (sent == 0) {
    LOG_FLOOD(WARNING) << "a file became shorter while it was being sent; the connection is closed";
    // For Flush(), which must not take this for EAGAIN or EINTR.
    errno = EIO;
    return {-1, Flushed::kBroken, true};
  }
  return {sent, Flushed::kBudget, sent < length};
}

Sent SendFront(int fd, const Output& output, int64_t budget) {
  iovec pieces[kMaxPieces];
  const int count = output.FrontMemory(pieces, kMaxPieces);
  if (count > 0) return SendMemoryAtFront(fd, pieces, count, output.file_ranges() > 0);
  return SendFileAtFront(fd, *output.FrontFile(), budget);
}

}  // namespace

void CountRequests(Output& output, Counters& counters, ConnectionTable::Entry& entry) {
  const Output::Counts counts = output.TakeCounts();
  if (counts.requests > 0) {
    Counters::Add(counters.requests, counts.requests);
    entry.CountRequests(counts.requests);
  }
  if (counts.errors > 0) Counters::Add(counters.errors, counts.errors);
}

void CountRequests(Output& output, Counters& counters) {
  ConnectionTable::Entry none;
  CountRequests(output, counters, none);
}

void HalfClose(int fd, Output& output) {
  if (output.TakeHalfClose()) ::shutdown(fd, SHUT_WR);
}

// Stops at the first short count instead of sending until EAGAIN: that saves the call that would only say so.
Flushed Flush(int fd, Output& output, int64_t budget, Counters& counters, ConnectionTable::Entry& entry) {
  int64_t total = 0;
  Flushed result = Flushed::kAll;
  while (!output.empty()) {
    // Asked before each call, so that a peer that reads as fast as we send does not keep the others waiting.
    if (total >= budget) {
      result = Flushed::kBudget;
      break;
    }
    const Sent sent = SendFront(fd, output, budget - total);
    if (sent.bytes < 0 && errno == EINTR) {
      // On a blocking socket a signal may come before the first byte has left. A stop cuts no reply short, but during
      // one the signals come more often than a long SO_SNDTIMEO passes (net/signals.h): if the call were repeated here,
      // the caller could never judge the peer's progress.
      result = Flushed::kBudget;
      break;
    }
    if (sent.bytes < 0) {
      // EAGAIN: a non-blocking socket is full, or the SO_SNDTIMEO of a blocking one has passed (socket(7)).
      result = errno == EAGAIN ? Flushed::kBlocked : Flushed::kBroken;
      break;
    }
    output.Sent(sent.bytes);
    total += sent.bytes;
    if (sent.is_short) {
      result = sent.if_short;
      break;
    }
  }
  if (total > 0) Counters::Add(counters.bytes_out, total);
  CountRequests(output, counters, entry);
  if (output.empty()) HalfClose(fd, output);
  return result;
}

}  // namespace polyserve
