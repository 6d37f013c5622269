#include "backends/connection/timed_receive.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>

#include "backends/connection/timed_request.h"

namespace polyserve {

namespace {

using Clock = TimedRequest::Clock;

std::chrono::nanoseconds AsDuration(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The kernel stamps with the time of day, which may be set at any moment: what comes out of such a step is no arrival.
std::optional<Clock::time_point> ArrivalOf(const timespec& stamp) {
  constexpr std::chrono::minutes kLongest(10);
  timespec real = {};
  ::clock_gettime(CLOCK_REALTIME, &real);
  const std::chrono::nanoseconds age = AsDuration(real) - AsDuration(stamp);
  if (age < std::chrono::nanoseconds(0) || age > kLongest) return std::nullopt;
  return Clock::now() - age;
}

// A peer at a UNIX socket (--inetd) may have sent descriptors along, which recv(2) would have dropped.
void CloseDescriptors(const cmsghdr& part) {
  for (size_t at = CMSG_LEN(0); at + sizeof(int) <= part.cmsg_len; at += sizeof(int)) {
    int fd = -1;
    std::memcpy(&fd, reinterpret_cast<const char*>(&part) + at, sizeof(fd));
    ::close(fd);
  }
}

std::optional<Clock::time_point> TakeStamp(msghdr& message) {
  std::optional<Clock::time_point> arrived;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_RIGHTS) CloseDescriptors(*part);
    if (part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp = {};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
    arrived = ArrivalOf(stamp);
  }
  return arrived;
}

}  // namespace

// A receive that is the wait itself is taken when it returns; otherwise it is a part of the work.
ssize_t ReceiveTimed(int fd, char* buffer, size_t size, int flags, const TimedWait& wait, Conversation& conversation) {
  const bool waits = wait.ended == Clock::time_point();
  TimedRequest::Moment taken = waits ? TimedRequest::Moment() : TimedRequest::Moment::Now();
  iovec piece = {buffer, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t count = ::recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
  if (count <= 0) return count;
  if (waits) taken = TimedRequest::Moment::Now();
  const Clock::time_point wait_ended = waits ? taken.time : wait.ended;
  const Clock::time_point arrived = TakeStamp(message).value_or(wait_ended);
  conversation.StartTiming(wait.times, {arrived, wait.began, wait_ended, taken});
  return count;
}

bool TimeReceived(const TimedWait& wait, const std::optional<timespec>& arrival, Conversation& conversation) {
  const Clock::time_point arrived = (arrival.has_value() ? ArrivalOf(*arrival) : std::nullopt).value_or(wait.ended);
  return conversation.StartTiming(wait.times, {arrived, wait.began, wait.ended, TimedRequest::Moment::Now()});
}

}  // namespace polyserve
