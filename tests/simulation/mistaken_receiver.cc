#include "tests/simulation/mistaken_receiver.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace polyserve::simulation {

namespace {

class PollReceiver final : public MistakenReceiver {
 public:
  explicit PollReceiver(int fd) : fd_(fd) {}

  int Await(int milliseconds) override {
    pollfd waits[] = {{fd_, POLLIN, 0}};
    return ::poll(waits, 1, milliseconds);
  }
  ssize_t Receive(char* buffer, size_t size) override { return ::recv(fd_, buffer, size, 0); }

 private:
  const int fd_;
};

class SignalReceiver final : public MistakenReceiver {
 public:
  // There may be input from before.
  SignalReceiver(Mistake mistake, int fd)
      : mistake_(mistake), fd_(fd), may_be_readable_(mistake != Mistake::kMissesFirstInput) {
    const f_owner_ex owner = {F_OWNER_TID, ::gettid()};
    int on = 1;
    ::fcntl(fd, F_SETOWN_EX, &owner);
    ::fcntl(fd, F_SETSIG, SIGRTMIN);
    ::ioctl(fd, FIOASYNC, &on);
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGRTMIN);
    ::sigaddset(&signals_, SIGIO);
  }

  // Any signal will do: it may also be about a socket that had this number before.
  int Await(int milliseconds) override {
    if (may_be_readable_) return 1;
    const timespec time = {milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
    siginfo_t info;
    const int signal = milliseconds < 0 ? ::sigwaitinfo(&signals_, &info) : ::sigtimedwait(&signals_, &info, &time);
    if (signal < 0) return errno == EAGAIN ? 0 : -1;
    if (signal == SIGIO && mistake_ == Mistake::kIgnoresOverflow) return -1;
    may_be_readable_ = true;
    return 1;
  }

  ssize_t Receive(char* buffer, size_t size) override {
    const ssize_t count = ::recv(fd_, buffer, size, 0);
    if (mistake_ == Mistake::kReadsOncePerSignal || count <= 0) may_be_readable_ = false;
    return count;
  }

 private:
  const Mistake mistake_;
  const int fd_;
  sigset_t signals_;
  bool may_be_readable_;
};

}  // namespace

std::unique_ptr<MistakenReceiver> MakeReceiver(Way way, Mistake mistake, int fd) {
  switch (way) {
    case Way::kSignals:
      return std::make_unique<SignalReceiver>(mistake, fd);
    case Way::kPoll:
      break;
  }
  return std::make_unique<PollReceiver>(fd);
}

}  // namespace polyserve::simulation
