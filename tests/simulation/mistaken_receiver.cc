#include "tests/simulation/mistaken_receiver.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

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

// A multishot receive into a few small buffers.
class RingReceiver final : public MistakenReceiver {
 public:
  RingReceiver(Mistake mistake, int fd)
      : mistake_(mistake), fd_(fd), buffers_(kBuffers * kBufferBytes), descriptions_(kBuffers) {
    io_uring_params parameters = {};
    io_uring_queue_init_params(kOperations, &ring_, &parameters);
    io_uring_buf_reg request = {};
    request.ring_addr = reinterpret_cast<uintptr_t>(descriptions_.data());
    request.ring_entries = kBuffers;
    io_uring_register_buf_ring(&ring_, &request, 0);
    for (int i = 0; i < kBuffers; ++i) Lend(i);
  }

  // An operation that is under way uses the socket and the buffers.
  ~RingReceiver() override {
    if (is_receiving_) io_uring_prep_cancel64(Prepare(kOther), kReceive, 0);
    while (is_receiving_) Enter();
    io_uring_queue_exit(&ring_);
  }

  int Await(int milliseconds) override {
    if (!bytes_.empty() || is_over_) return 1;
    const uint64_t timer = kOther + ++timers_;
    time_ = {milliseconds / 1000, milliseconds % 1000 * 1'000'000LL};
    if (milliseconds >= 0) io_uring_prep_timeout(Prepare(timer), &time_, 0, 0);
    is_time_over_ = false;
    int result = 0;
    while (result >= 0 && !is_time_over_ && bytes_.empty() && !is_over_) {
      const bool may_start = !was_started_ || mistake_ != Mistake::kNeverRearms;
      if (!is_receiving_ && may_start) Start();
      result = Enter();
    }
    if (milliseconds >= 0 && !is_time_over_) io_uring_prep_cancel64(Prepare(kOther), timer, 0);
    if (!bytes_.empty() || is_over_) return 1;
    return is_time_over_ ? 0 : -1;
  }

  ssize_t Receive(char* buffer, size_t size) override {
    if (bytes_.empty()) {
      errno = error_ != 0 ? error_ : EAGAIN;
      return is_over_ && error_ == 0 ? 0 : -1;
    }
    const size_t count = std::min(size, bytes_.size());
    std::memcpy(buffer, bytes_.data(), count);
    bytes_.erase(0, count);
    return static_cast<ssize_t>(count);
  }

  // The result comes first, and the news that the memory is free again when the peer has acknowledged it.
  ssize_t SendLent(absl::string_view bytes) override {
    const size_t count = std::min(bytes.size(), sizeof(lent_));
    std::copy_n(bytes.begin(), count, lent_);
    io_uring_prep_send_zc(Prepare(kSend), fd_, lent_, count, MSG_NOSIGNAL | MSG_DONTWAIT, 0);
    sent_.reset();
    while (!sent_.has_value()) Enter();
    return *sent_;
  }

 private:
  static constexpr int kOperations = 4;
  static constexpr int kBuffers = 4;
  static constexpr size_t kBufferBytes = 512;
  static constexpr uint64_t kReceive = 1;
  static constexpr uint64_t kSend = 2;
  static constexpr uint64_t kOther = 3;  // And those behind it.

  io_uring_sqe* Prepare(uint64_t tag) {
    io_uring_sqe* operation = io_uring_get_sqe(&ring_);
    while (operation == nullptr) {
      io_uring_submit(&ring_);
      operation = io_uring_get_sqe(&ring_);
    }
    operation->user_data = tag;
    return operation;
  }

  void Start() {
    was_started_ = is_receiving_ = true;
    io_uring_sqe* const receive = Prepare(kReceive);
    io_uring_prep_recv_multishot(receive, fd_, nullptr, 0, 0);
    receive->flags |= IOSQE_BUFFER_SELECT;
  }

  int Enter() {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      if (completion->user_data == kReceive) OnReceived(*completion);
      if (completion->user_data == kSend && (completion->flags & IORING_CQE_F_NOTIF) == 0) sent_ = completion->res;
      if (completion->user_data == kOther + timers_ && completion->res == -ETIME) is_time_over_ = true;
    }
    io_uring_cq_advance(&ring_, count);
    return result;
  }

  void OnReceived(const io_uring_cqe& completion) {
    is_receiving_ = (completion.flags & IORING_CQE_F_MORE) != 0;
    const bool has_buffer = (completion.flags & IORING_CQE_F_BUFFER) != 0;
    const int number = has_buffer ? static_cast<int>(completion.flags >> IORING_CQE_BUFFER_SHIFT) : 0;
    const bool lends_early = mistake_ == Mistake::kLendsEarly && has_buffer;
    if (lends_early) {
      Lend(number);
      io_uring_submit(&ring_);
    }
    if (completion.res > 0) bytes_.append(BufferAt(number), static_cast<size_t>(completion.res));
    const bool is_passing = completion.res == -ENOBUFS || completion.res == -ECANCELED || completion.res > 0;
    if (!is_passing) {
      is_over_ = true;
      error_ = -completion.res;
    }
    if (has_buffer && !lends_early && mistake_ != Mistake::kNeverLendsAgain) Lend(number);
  }

  char* BufferAt(int number) { return buffers_.data() + static_cast<size_t>(number) * kBufferBytes; }

  void Lend(int number) {
    auto* const ring = reinterpret_cast<io_uring_buf_ring*>(descriptions_.data());
    io_uring_buf_ring_add(ring, BufferAt(number), kBufferBytes, static_cast<uint16_t>(number),
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(ring, 1);
  }

  const Mistake mistake_;
  const int fd_;
  std::vector<char> buffers_;
  std::vector<io_uring_buf> descriptions_;
  io_uring ring_ = {};
  bool was_started_ = false;
  bool is_receiving_ = false;
  uint64_t timers_ = 0;
  __kernel_timespec time_ = {};
  bool is_time_over_ = false;
  std::string bytes_;
  char lent_[2000];
  std::optional<int> sent_;
  bool is_over_ = false;  // Nothing more comes: the end, or an error.
  int error_ = 0;
};

}  // namespace

std::unique_ptr<MistakenReceiver> MakeReceiver(Way way, Mistake mistake, int fd) {
  switch (way) {
    case Way::kSignals:
      return std::make_unique<SignalReceiver>(mistake, fd);
    case Way::kRing:
      return std::make_unique<RingReceiver>(mistake, fd);
    case Way::kPoll:
      break;
  }
  return std::make_unique<PollReceiver>(fd);
}

}  // namespace polyserve::simulation
