#include "programs/hosted_programs.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "base/sys_error.h"
#include "net/fd_passing.h"
#include "programs/host_request.h"

namespace polyserve {

namespace {

// Output beyond it is left in the socket, and then with the program.
constexpr size_t kMaxCollectedBytes = 64 * 1024;
constexpr size_t kPieceBytes = 16 * 1024;  // On the stack, which may be a small one.

}  // namespace

// Collect() is locked because a loop may collect while a helper's thread has the session take mail. No call waits at
// our end of the socket (MSG_DONTWAIT); the other end blocks, as programs expect it of their standard input and output.
class HostedPrograms::HostedProgram final : public Program {
 public:
  HostedProgram(int request_fd, int number) : request_fd_(request_fd), number_(number) {}

  bool Start(absl::string_view address) override {
    const absl::Status status = Ask(address);
    if (status.ok()) return true;
    LOG_FLOOD(WARNING) << "no program can be started for a client, so its connection is closed: " << status.message();
    stream_.reset();
    NoteEnd();
    output_is_over_.store(true, std::memory_order_release);
    Push(std::make_shared<const std::string>());
    return false;
  }

  size_t Send(absl::string_view bytes) override {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count =
          ::send(stream_.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count >= 0) {
        sent += static_cast<size_t>(count);
      } else if (errno == EAGAIN) {
        AwaitRoom();
        return sent;
      } else if (errno != EINTR) {
        // It has closed its input, or has ended (EPIPE, ECONNRESET; EBADF: it was never started). For want of memory,
        // the conversation ends: the program would miss something.
        if (errno == ENOBUFS || errno == ENOMEM) CutOff();
        return bytes.size();
      }
    }
    return sent;
  }

  // The host hears of it first: a program that has closed its output as well is cut off otherwise, as if the client had
  // left.
  void EndInput() override {
    SendParcelAtOnce(request_fd_, absl::StrCat(kEndRequest, name_), {}).IgnoreError();
    ::shutdown(stream_.get(), SHUT_WR);
  }

  int fd() const override { return stream_.get(); }
  bool awaits_input() const override { return !is_full() && !output_is_over(); }
  bool awaits_end() const override { return output_is_over() && !has_ended(); }

  void Collect() override {
    MutexLock lock(collecting_);
    if (!stream_.ok()) return;
    if (awaits_room() && (Look(POLLOUT) & (POLLOUT | POLLERR | POLLHUP)) != 0) NoteRoom();
    while (!output_is_over()) {
      const bool is_full = waiting_bytes() >= kMaxCollectedBytes;
      set_full(is_full);
      if (is_full || !Receive()) return;
    }
    // A program that has closed its output alone goes on; its end comes later.
    if (!has_ended() && HasHungUp()) End();
  }

 private:
  absl::Status Ask(absl::string_view address) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return SysError("socketpair");
    stream_.reset(ends[0]);
    const UniqueFd program_end(ends[1]);
    socklen_t size = sizeof(name_);
    if (::getsockopt(program_end.get(), SOL_SOCKET, SO_COOKIE, &name_, &size) != 0) return SysError("getsockopt");
    return SendParcelAtOnce(request_fd_, absl::StrCat(kStartRequest, number_, " ", name_, " ", address),
                            {program_end.get()});
  }

  bool output_is_over() const { return output_is_over_.load(std::memory_order_acquire); }

  short Look(short events) const {
    pollfd stream = {stream_.get(), events, 0};
    return ::poll(&stream, 1, 0) > 0 ? stream.revents : short{0};
  }

  // Both directions are over, as they are when the program has ended: then the host shuts them down.
  bool HasHungUp() const { return (Look(0) & POLLHUP) != 0; }

  void End() {
    NoteEnd();
    Push(std::make_shared<const std::string>());
  }

  // False: there is nothing more for now.
  bool Receive() ABSL_EXCLUSIVE_LOCKS_REQUIRED(collecting_) {
    char piece[kPieceBytes];
    const ssize_t size = ::recv(stream_.get(), piece, sizeof(piece), MSG_DONTWAIT);
    // ECONNRESET, once: the program has ended without reading all. What it has written comes before its end.
    if (size < 0 && (errno == EINTR || errno == ECONNRESET)) return true;
    if (size < 0 && errno == EAGAIN) return false;
    if (size > 0) return Push(std::make_shared<const std::string>(piece, static_cast<size_t>(size)));
    const bool is_end = size < 0 || HasHungUp();
    output_is_over_.store(true, std::memory_order_release);
    if (is_end) {
      End();
    } else {
      Push(std::make_shared<const std::string>());
    }
    return true;
  }

  const int request_fd_;
  const int number_;
  UniqueFd stream_;
  uint64_t name_ = 0;  // Of the program's end of it; no other socket of the system has had it (SO_COOKIE).
  Mutex collecting_;
  std::atomic<bool> output_is_over_{false};
};

void HostedPrograms::ReachBy(UniqueFd request_fd) {
  if (request_fd_.get() == request_fd.get()) request_fd_.release();  // A forked child is handed what it has already.
  request_fd_ = std::move(request_fd);
}

void HostedPrograms::TellStop() const { SendParcelAtOnce(request_fd_.get(), kStopRequest, {}).IgnoreError(); }

std::unique_ptr<Program> HostedPrograms::NewProgram(int number) {
  return std::make_unique<HostedProgram>(request_fd_.get(), number);
}

}  // namespace polyserve
