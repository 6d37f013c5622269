#include "tests/call_gate.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gtest/gtest.h"
#include "tests/eventually.h"

namespace polyserve {

namespace {

// Loads the call's number, and compares it with each of them; the last two instructions are the verdicts.
std::vector<sock_filter> FilterOf(const std::vector<int>& calls) {
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (size_t i = 0; i < calls.size(); ++i) {
    const auto to_last = static_cast<uint8_t>(calls.size() - i);
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(calls[i]), to_last, 0));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  return filter;
}

// What the kernel writes and reads may be longer than what this program was compiled with.
std::vector<char> BufferOf(size_t own, uint16_t kernels) { return std::vector<char>(std::max<size_t>(own, kernels)); }

}  // namespace

std::vector<int> BirthCalls() {
  return {
      SYS_clone,
      SYS_clone3,
#ifdef SYS_fork  // Newer architectures have neither.
      SYS_fork,
      SYS_vfork,
#endif
  };
}

CallGate::CallGate(const std::vector<int>& calls, int error) : error_(error), filter_(FilterOf(calls)) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  inner_.reset(ends[0]);
  outer_.reset(ends[1]);
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread(&CallGate::Run, this);
}

CallGate::~CallGate() {
  const uint64_t one = 1;
  EXPECT_EQ(::write(stop_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  thread_.join();
}

// The message has the descriptor, or nothing if the filter was refused.
void CallGate::Install() const {
  const sock_fprog program = {static_cast<uint16_t>(filter_.size()), const_cast<sock_filter*>(filter_.data())};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int listener =
      static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  char byte = '.';
  iovec text = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  if (listener >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &listener, sizeof(int));
  }
  ::sendmsg(inner_.get(), &message, MSG_NOSIGNAL);
  if (listener >= 0) ::close(listener);
}

bool CallGate::is_installed() const {
  EXPECT_TRUE(Eventually([this] { return state_ != State::kUnknown; }));
  return state_ == State::kInstalled;
}

// In a thread of its own, until all processes with the filter have ended, or this object has.
void CallGate::Run() {
  const UniqueFd listener = ReceiveListener();
  state_ = listener.ok() ? State::kInstalled : State::kRefused;
  while (listener.ok() && Await(listener.get())) Answer(listener.get());
}

UniqueFd CallGate::ReceiveListener() {
  if (!Await(outer_.get())) return UniqueFd();
  char byte = 0;
  iovec text = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (::recvmsg(outer_.get(), &message, MSG_CMSG_CLOEXEC) <= 0) return UniqueFd();
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head == nullptr) return UniqueFd();
  int listener = -1;
  std::memcpy(&listener, CMSG_DATA(head), sizeof(int));
  return UniqueFd(listener);
}

// Waits until there is something to read. False: the thread is to end, or nothing will ever come.
bool CallGate::Await(int fd) const {
  pollfd both[] = {{stop_.get(), POLLIN, 0}, {fd, POLLIN, 0}};
  while (::poll(both, 2, -1) < 0 && errno == EINTR) {
  }
  return both[0].revents == 0 && (both[1].revents & POLLIN) != 0;
}

// False: the thread is to end.
bool CallGate::AwaitOpen() const {
  pollfd stop = {stop_.get(), POLLIN, 0};
  while (is_closed_) {
    if (::poll(&stop, 1, 1) > 0) return false;
  }
  return true;
}

// A call may be over before it is answered, if its process was killed, or interrupted by a signal: then either ioctl(2)
// fails, and nothing is left to do.
void CallGate::Answer(int listener) const {
  seccomp_notif_sizes sizes = {};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return;
  std::vector<char> request = BufferOf(sizeof(seccomp_notif), sizes.seccomp_notif);
  std::vector<char> response = BufferOf(sizeof(seccomp_notif_resp), sizes.seccomp_notif_resp);
  auto& asked = *reinterpret_cast<seccomp_notif*>(request.data());
  auto& answer = *reinterpret_cast<seccomp_notif_resp*>(response.data());
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
  answer.id = asked.id;
  if (error_ == kHold && !AwaitOpen()) return;
  if (is_closed_) {
    answer.error = -error_;
  } else {
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  }
  ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

}  // namespace polyserve
