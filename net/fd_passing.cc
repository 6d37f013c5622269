#include "net/fd_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "base/logging.h"
#include "base/sys_error.h"
#include "net/shortage.h"

namespace polyserve {

namespace {

constexpr int kMostPauses = 20;

// Room for the control message, aligned as the kernel wants it.
union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(kMaxPassedDescriptors * sizeof(int))];
};

// MSG_NOSIGNAL: a receiver that has died gives EPIPE, not a SIGPIPE that would kill a process without a handler. A
// signal that comes while the socket is full has sent nothing of the packet, so it is sent again as a whole. Besides
// EAGAIN and EPIPE a sender may meet ETOOMANYREFS: its user has more descriptors under way in sockets than
// RLIMIT_NOFILE allows (unix(7)).
absl::Status Send(int socket, absl::string_view text, const std::vector<int>& descriptors, int flags) {
  CHECK_LE(descriptors.size(), kMaxPassedDescriptors);
  CHECK(!text.empty() && text.size() <= kMaxPassedText);
  iovec piece = {const_cast<char*>(text.data()), text.size()};
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const size_t bytes = descriptors.size() * sizeof(int);
    message.msg_control = control.bytes;
    // The length of the buffer counts the padding behind the last descriptor, that of the header does not (cmsg(3)).
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL | flags) < 0) {
    if (errno == ETOOMANYREFS) return absl::ResourceExhaustedError(SysError("sendmsg").message());
    if (errno != EINTR) return SysError("sendmsg");
  }
  return absl::OkStatus();
}

}  // namespace

// SOCK_SEQPACKET keeps packets apart as datagrams do, and reports the end of the other side as a stream does (unix(7)).
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakeParcelSockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return SysError("socketpair");
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

// Descriptors that are under way, perhaps those of other programs of this user, arrive soon.
absl::Status SendParcel(int socket, absl::string_view text, const std::vector<int>& descriptors) {
  absl::Status sent = Send(socket, text, descriptors, 0);
  for (int pauses = 0; absl::IsResourceExhausted(sent) && pauses < kMostPauses; ++pauses) {
    PauseForShortage();
    sent = Send(socket, text, descriptors, 0);
  }
  return sent;
}

absl::Status SendParcelAtOnce(int socket, absl::string_view text, const std::vector<int>& descriptors) {
  return Send(socket, text, descriptors, MSG_DONTWAIT);
}

// MSG_CMSG_CLOEXEC sets close-on-exec as the descriptors are installed; fcntl(2) afterwards would leave a moment in
// which another thread's fork and exec could inherit them. If the process has too few numbers left, the kernel installs
// those that fit, closes the others, and sets MSG_CTRUNC; the parcel then owns and closes what it got.
absl::StatusOr<Parcel> ReceiveParcel(int socket) {
  char text[kMaxPassedText];
  iovec piece = {text, sizeof(text)};
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return SysError("recvmsg");
  // A packet of no bytes would look the same; that is why Send() refuses to make one.
  if (size == 0) return absl::CancelledError("the other end was closed");

  Parcel parcel;
  parcel.text.assign(text, static_cast<size_t>(size));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    // The kernel sets the length to what it has installed, which may be less than what was sent.
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      // Copied out one by one: CMSG_DATA() need not be aligned for an int (cmsg(3)).
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      parcel.descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return absl::ResourceExhaustedError("there was no descriptor left to receive those that were sent");
  }
  return parcel;
}

}  // namespace polyserve
