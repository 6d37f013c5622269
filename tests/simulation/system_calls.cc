// The seam between the server's code and the simulation: the linker's --wrap=SYMBOL (BUILD) turns each call of SYMBOL,
// from whatever object file of this one program, into a call of __wrap_SYMBOL, and __real_SYMBOL is the system's own.
// So the server's code is the one that is shipped, and knows nothing of a simulation.
//
// While there is a kernel (Kernel::current()), calls on its descriptors go to it, and so do those that make one. All
// others go to the system. Symbols: those of the C library, and the ones with _chk, which the same calls become with
// -D_FORTIFY_SOURCE; the clock that is behind std::chrono::steady_clock, and std::thread; and the state of
// net/signals.h, which a process could not set back.
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "net/signals.h"
#include "tests/simulation/gather_bytes.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/stream.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/wrapped_call.h"

namespace polyserve::simulation {

using SteadyTime = std::chrono::steady_clock::time_point;

POLYSERVE_CALL(int, Socket, "socket", int domain, int type, int protocol);
POLYSERVE_CALL(int, Connect, "connect", int fd, const sockaddr* address, socklen_t size);
POLYSERVE_CALL(int, Accept4, "accept4", int fd, sockaddr* address, socklen_t* size, int flags);
POLYSERVE_CALL(int, Close, "close", int fd);
POLYSERVE_CALL(ssize_t, Read, "read", int fd, void* bytes, size_t size);
POLYSERVE_CALL(ssize_t, ReadChk, "__read_chk", int fd, void* bytes, size_t size, size_t room);
POLYSERVE_CALL(ssize_t, Write, "write", int fd, const void* bytes, size_t size);
POLYSERVE_CALL(ssize_t, Recv, "recv", int fd, void* bytes, size_t size, int flags);
POLYSERVE_CALL(ssize_t, RecvChk, "__recv_chk", int fd, void* bytes, size_t size, size_t room, int flags);
POLYSERVE_CALL(ssize_t, Send, "send", int fd, const void* bytes, size_t size, int flags);
POLYSERVE_CALL(ssize_t, Sendmsg, "sendmsg", int fd, const msghdr* message, int flags);
POLYSERVE_CALL(ssize_t, Sendfile, "sendfile", int fd, int file, off_t* offset, size_t count);
POLYSERVE_CALL(int, Shutdown, "shutdown", int fd, int how);
POLYSERVE_CALL(int, Poll, "poll", pollfd* polls, nfds_t count, int timeout);
POLYSERVE_CALL(int, PollChk, "__poll_chk", pollfd* polls, nfds_t count, int timeout, size_t size);
POLYSERVE_CALL(int, Select, "select", int highest, fd_set* in, fd_set* out, fd_set* except, timeval* timeout);
POLYSERVE_CALL(int, EpollCreate1, "epoll_create1", int flags);
POLYSERVE_CALL(int, EpollCtl, "epoll_ctl", int epoll, int operation, int fd, epoll_event* event);
POLYSERVE_CALL(int, EpollWait, "epoll_wait", int epoll, epoll_event* events, int most, int timeout);
POLYSERVE_CALL(int, Eventfd, "eventfd", unsigned count, int flags);
POLYSERVE_CALL(int, Getsockopt, "getsockopt", int fd, int level, int name, void* value, socklen_t* size);
POLYSERVE_CALL(int, Setsockopt, "setsockopt", int fd, int level, int name, const void* value, socklen_t size);
POLYSERVE_CALL(int, Getsockname, "getsockname", int fd, sockaddr* address, socklen_t* size);
POLYSERVE_CALL(int, Getpeername, "getpeername", int fd, sockaddr* address, socklen_t* size);
POLYSERVE_CALL(int, Ioctl, "ioctl", int fd, unsigned long request, void* argument);
POLYSERVE_CALL(int, Fcntl, "fcntl", int fd, int command, intptr_t argument);
POLYSERVE_CALL(int, Sigtimedwait, "sigtimedwait", const sigset_t* set, siginfo_t* info, const timespec* timeout);
POLYSERVE_CALL(int, Sigwaitinfo, "sigwaitinfo", const sigset_t* set, siginfo_t* info);
POLYSERVE_CALL(int, PthreadSigqueue, "pthread_sigqueue", pthread_t thread, int signal, sigval value);
POLYSERVE_CALL(int, PthreadKill, "pthread_kill", pthread_t thread, int signal);
// Of std::thread: its state is passed on as it is.
POLYSERVE_CALL(void, StartThread,
               "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
               std::thread* thread, void* state, void (*depends)());
POLYSERVE_CALL(void, JoinThread, "_ZNSt6thread4joinEv", std::thread* thread);
POLYSERVE_CALL(int, Nanosleep, "nanosleep", const timespec* time, timespec* left);
POLYSERVE_CALL(int, ClockGettime, "clock_gettime", clockid_t clock, timespec* time);
POLYSERVE_CALL(uint32_t, SeedWeakly, "evutil_weakrand_seed_", void* state, uint32_t seed);
POLYSERVE_CALL(SteadyTime, SteadyNow, "_ZNSt6chrono3_V212steady_clock3nowEv");
POLYSERVE_CALL(int, SignalFd, "_ZN9polyserve7Signals2fdEv");
POLYSERVE_CALL(unsigned, TakeSignals, "_ZN9polyserve7Signals4TakeEv");
POLYSERVE_CALL(bool, Stopping, "_ZN9polyserve7Signals8stoppingEv");
POLYSERVE_CALL(bool, GraceOver, "_ZN9polyserve7Signals10grace_overEv");
POLYSERVE_CALL(absl::Duration, GraceLeft, "_ZN9polyserve7Signals9GraceLeftEv");
POLYSERVE_CALL(void, RequestStop, "_ZN9polyserve7Signals11RequestStopEl", int64_t grace_end);
POLYSERVE_CALL(void, RenewGrace, "_ZN9polyserve7Signals10RenewGraceEv");

namespace {

Kernel& TheKernel() { return *Kernel::current(); }
bool IsOn() { return Kernel::current() != nullptr; }
bool IsOn(int fd) { return IsSimulated(fd) && IsOn(); }

// The timer interrupt's, with CONFIG_HZ=250.
constexpr Time kCoarseTick = 4 * kMillisecond;

Time FromMilliseconds(int timeout) { return timeout < 0 ? kNever : timeout * kMillisecond; }
Time FromTimespec(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
timespec ToTimespec(Time time) { return {time / kSecond, time % kSecond}; }
Time FromTimeval(const timeval& time) { return time.tv_sec * kSecond + time.tv_usec * kMicrosecond; }

// A wait for none at all is a sleep. A wait for the process's own descriptors, such as standard error, is none of the
// server's.
bool IsSimulatedPoll(const pollfd* polls, nfds_t count) {
  if (!IsOn()) return false;
  for (nfds_t i = 0; i < count; ++i) {
    if (polls[i].fd >= 0 && !IsSimulated(polls[i].fd)) return false;
  }
  return true;
}

int Refuse(int error) {
  errno = error;
  return -1;
}

int GetTcpInfo(const Stream& stream, void* value, socklen_t* size) {
  tcp_info info = {};
  info.tcpi_bytes_acked = static_cast<uint64_t>(stream.acknowledged_total);
  info.tcpi_bytes_received = static_cast<uint64_t>(stream.arrived_total);
  info.tcpi_unacked = stream.is_reset || stream.unacknowledged_bytes() == 0 ? 0 : 1;
  *size = std::min<socklen_t>(*size, sizeof(info));
  std::memcpy(value, &info, *size);
  return 0;
}

}  // namespace

int WrapSocket(int domain, int type, int protocol) {
  const bool is_tcp = domain == AF_INET && (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;
  if (!IsOn() || !is_tcp) return RealSocket(domain, type, protocol);
  return TheKernel().Socket((type & SOCK_NONBLOCK) != 0);
}

int WrapConnect(int fd, const sockaddr* address, socklen_t size) {
  if (!IsOn(fd)) return RealConnect(fd, address, size);
  if (const Stream* stream = TheKernel().FindStream(fd); stream != nullptr && !stream->is_nonblocking) {
    TheKernel().Fail("a driver that would wait in connect(2) is not simulated");
  }
  sockaddr_in to = {};
  std::memcpy(&to, address, std::min<size_t>(size, sizeof(to)));
  return TheKernel().ConnectTo(fd, ntohs(to.sin_port));
}

int WrapAccept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (!IsOn(fd)) return RealAccept4(fd, address, size, flags);
  return TheKernel().Accept(fd, (flags & SOCK_NONBLOCK) != 0);
}

int WrapClose(int fd) { return IsOn(fd) ? TheKernel().Close(fd) : RealClose(fd); }

ssize_t WrapRead(int fd, void* bytes, size_t size) {
  if (!IsOn(fd)) return RealRead(fd, bytes, size);
  uint64_t count = 0;
  const ssize_t result = TheKernel().ReadEvent(fd, count);
  if (result > 0) std::memcpy(bytes, &count, std::min(size, sizeof(count)));
  return result;
}

ssize_t WrapReadChk(int fd, void* bytes, size_t size, size_t room) {
  return IsOn(fd) ? WrapRead(fd, bytes, size) : RealReadChk(fd, bytes, size, room);
}

ssize_t WrapWrite(int fd, const void* bytes, size_t size) {
  if (!IsOn(fd)) return RealWrite(fd, bytes, size);
  uint64_t count = 0;
  std::memcpy(&count, bytes, std::min(size, sizeof(count)));
  return TheKernel().WriteEvent(fd, count);
}

ssize_t WrapRecv(int fd, void* bytes, size_t size, int flags) {
  if (!IsOn(fd)) return RealRecv(fd, bytes, size, flags);
  return TheKernel().Receive(fd, static_cast<char*>(bytes), size, (flags & MSG_DONTWAIT) == 0);
}

ssize_t WrapRecvChk(int fd, void* bytes, size_t size, size_t room, int flags) {
  return IsOn(fd) ? WrapRecv(fd, bytes, size, flags) : RealRecvChk(fd, bytes, size, room, flags);
}

ssize_t WrapSend(int fd, const void* bytes, size_t size, int flags) {
  if (!IsOn(fd)) return RealSend(fd, bytes, size, flags);
  const auto gather = [&](size_t most) { return std::string(static_cast<const char*>(bytes), most); };
  return TheKernel().Send(fd, size, gather, (flags & MSG_DONTWAIT) == 0);
}

ssize_t WrapSendmsg(int fd, const msghdr* message, int flags) {
  if (!IsOn(fd)) return RealSendmsg(fd, message, flags);
  const auto gather = [&](size_t most) { return GatherBytes(*message, most); };
  return TheKernel().Send(fd, SizeOf(*message), gather, (flags & MSG_DONTWAIT) == 0);
}

ssize_t WrapSendfile(int fd, int file, off_t* offset, size_t count) {
  return IsOn(fd) ? TheKernel().SendFile(fd, file, offset, count) : RealSendfile(fd, file, offset, count);
}

int WrapShutdown(int fd, int how) { return IsOn(fd) ? TheKernel().Shutdown(fd) : RealShutdown(fd, how); }

int WrapPoll(pollfd* polls, nfds_t count, int timeout) {
  if (!IsSimulatedPoll(polls, count)) return RealPoll(polls, count, timeout);
  return TheKernel().Poll(polls, count, FromMilliseconds(timeout));
}

int WrapPollChk(pollfd* polls, nfds_t count, int timeout, size_t size) {
  return IsSimulatedPoll(polls, count) ? WrapPoll(polls, count, timeout) : RealPollChk(polls, count, timeout, size);
}

int WrapSelect(int highest, fd_set* in, fd_set* out, fd_set* except, timeval* timeout) {
  if (!IsOn() || in == nullptr || out == nullptr) return RealSelect(highest, in, out, except, timeout);
  return TheKernel().Select(highest, in, out, timeout == nullptr ? kNever : FromTimeval(*timeout));
}

int WrapEpollCreate1(int flags) { return IsOn() ? TheKernel().CreateEpoll() : RealEpollCreate1(flags); }

int WrapEpollCtl(int epoll, int operation, int fd, epoll_event* event) {
  if (!IsOn(epoll)) return RealEpollCtl(epoll, operation, fd, event);
  return TheKernel().ControlEpoll(epoll, operation, fd, event);
}

int WrapEpollWait(int epoll, epoll_event* events, int most, int timeout) {
  if (!IsOn(epoll)) return RealEpollWait(epoll, events, most, timeout);
  return TheKernel().WaitEpoll(epoll, events, most, FromMilliseconds(timeout));
}

int WrapEventfd(unsigned count, int flags) { return IsOn() ? TheKernel().CreateEvent() : RealEventfd(count, flags); }

int WrapGetsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  if (!IsOn(fd)) return RealGetsockopt(fd, level, name, value, size);
  Stream* const stream = TheKernel().FindStream(fd);
  if (stream != nullptr && level == IPPROTO_TCP && name == TCP_INFO) return GetTcpInfo(*stream, value, size);
  if (stream != nullptr && level == SOL_SOCKET && name == SO_ERROR && *size >= sizeof(int)) {
    *static_cast<int*>(value) = std::exchange(stream->dial_error, 0);
    return 0;
  }
  if (level != SOL_SOCKET || name != SO_ACCEPTCONN || *size < sizeof(int)) return Refuse(ENOPROTOOPT);
  *static_cast<int*>(value) = TheKernel().IsListener(fd) && TheKernel().is_listening() ? 1 : 0;
  return 0;
}

int WrapSetsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (!IsOn(fd)) return RealSetsockopt(fd, level, name, value, size);
  Stream* const stream = TheKernel().FindStream(fd);
  if (stream == nullptr) {
    // As net/socket.h does it.
    if (name == SO_BINDTOIFINDEX) TheKernel().RefuseClients();
    return 0;
  }
  if (level == SOL_SOCKET && name == SO_LINGER) stream->resets_on_close = true;
  if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
    const Time time = FromTimeval(*static_cast<const timeval*>(value));
    stream->read_timeout = time == 0 ? kNever : time;
  }
  return 0;
}

// The address of a listener is asked for to look for handshakes that are half done: there are none. Those of a
// connection that the server has made, to find one with itself (net/socket.h): there is none.
int WrapGetsockname(int fd, sockaddr* address, socklen_t* size) {
  return IsOn(fd) ? Refuse(ENOTSUP) : RealGetsockname(fd, address, size);
}

int WrapGetpeername(int fd, sockaddr* address, socklen_t* size) {
  return IsOn(fd) ? Refuse(ENOTSUP) : RealGetpeername(fd, address, size);
}

int WrapIoctl(int fd, unsigned long request, void* argument) {
  if (!IsOn(fd)) return RealIoctl(fd, request, argument);
  if (request == FIOASYNC) return TheKernel().SetSending(fd, *static_cast<const int*>(argument) != 0);
  const Stream* stream = TheKernel().FindStream(fd);
  if (stream == nullptr || request != SIOCOUTQ) return Refuse(ENOTTY);
  *static_cast<int*>(argument) = static_cast<int>(stream->unacknowledged_bytes());
  return 0;
}

int WrapFcntl(int fd, int command, intptr_t argument) {
  if (!IsOn(fd)) return RealFcntl(fd, command, argument);
  if (command == F_SETSIG) return TheKernel().SetSignal(fd, static_cast<int>(argument));
  auto* const owner = reinterpret_cast<f_owner_ex*>(argument);  // NOLINT(performance-no-int-to-ptr): as fcntl(2) has it
  IoSignals& signals = TheKernel().io_signals(fd);
  if (command == F_SETOWN_EX) {
    signals.owner = *owner;
  } else if (command == F_GETOWN_EX) {
    *owner = signals.owner;
  } else {
    return Refuse(EINVAL);
  }
  return 0;
}

int WrapSigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  if (!IsOn()) return RealSigtimedwait(set, info, timeout);
  return TheKernel().WaitSignal(info, FromTimespec(*timeout));
}

int WrapSigwaitinfo(const sigset_t* set, siginfo_t* info) {
  return IsOn() ? TheKernel().WaitSignal(info, kNever) : RealSigwaitinfo(set, info);
}

int WrapPthreadSigqueue(pthread_t thread, int signal, sigval value) {
  return IsOn() ? TheKernel().QueueSignal(signal) : RealPthreadSigqueue(thread, signal, value);
}

int WrapPthreadKill(pthread_t thread, int signal) {
  if (!IsOn()) return RealPthreadKill(thread, signal);
  if (signal != SIGIO) TheKernel().Fail("this signal is not simulated");
  TheKernel().RaiseIo();
  return 0;
}

void WrapStartThread(std::thread* thread, void* state, void (*depends)()) {
  RealStartThread(thread, state, depends);
  if (IsOn()) TheKernel().helper().AwaitStart();
}

void WrapJoinThread(std::thread* thread) {
  if (!IsOn()) return RealJoinThread(thread);
  TheKernel().helper().Release();
  RealJoinThread(thread);
  TheKernel().helper().NoteEnd();
}

int WrapNanosleep(const timespec* time, timespec* left) {
  if (!IsOn()) return RealNanosleep(time, left);
  const Time rest = TheKernel().Sleep(FromTimespec(*time));
  if (left != nullptr) *left = ToTimespec(rest);
  return rest == 0 ? 0 : Refuse(EINTR);
}

int WrapClockGettime(clockid_t clock, timespec* time) {
  if (!IsOn() || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) return RealClockGettime(clock, time);
  const Time now = TheKernel().Clock();
  *time = ToTimespec(clock == CLOCK_MONOTONIC ? now : now - now % kCoarseTick);
  return 0;
}

// libevent's, which orders what select(2) and poll(2) have found, and would have it from the time and the process.
uint32_t WrapSeedWeakly(void* state, uint32_t seed) {
  return RealSeedWeakly(state, IsOn() ? static_cast<uint32_t>(TheKernel().random().Next() >> 33) + 1 : seed);
}

SteadyTime WrapSteadyNow() {
  if (!IsOn()) return RealSteadyNow();
  return SteadyTime(std::chrono::nanoseconds(TheKernel().Clock()));
}

int WrapSignalFd() { return IsOn() ? TheKernel().signal_fd() : RealSignalFd(); }

unsigned WrapTakeSignals() {
  if (!IsOn()) return RealTakeSignals();
  return TheKernel().TakeStop() ? unsigned{Signals::kStop} : 0;
}

bool WrapStopping() { return IsOn() ? TheKernel().stopping() : RealStopping(); }

bool WrapGraceOver() {
  if (!IsOn()) return RealGraceOver();
  return TheKernel().stopping() && TheKernel().Clock() >= TheKernel().grace_end();
}

absl::Duration WrapGraceLeft() {
  if (!IsOn()) return RealGraceLeft();
  return absl::Nanoseconds(std::max<Time>(TheKernel().grace_end() - TheKernel().Clock(), 0));
}

// The loop asks for what it was told itself.
void WrapRequestStop(int64_t grace_end) {
  if (!IsOn()) RealRequestStop(grace_end);
}

void WrapRenewGrace() { IsOn() ? TheKernel().RenewGrace() : RealRenewGrace(); }

}  // namespace polyserve::simulation
