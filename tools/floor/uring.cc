// floor, uring: one thread for all clients, and the kernel does the work: io_uring(7); the services of service.h. An
// answer and the next receive are a chain of two operations, of which only the second one reports: so a request costs
// one completion, and all requests of a turn share one system call. Needs Linux 6.1. Leaves out the provided buffers of
// the model uring: each client has a buffer of its own.
#include <liburing.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

namespace {

constexpr unsigned kOperations = 1024;

// No Client, whose reads and writes are calls. Its address is the tag of its receive.
struct Receiver {
  explicit Receiver(UniqueFd of) : fd(std::move(of)) {}
  const UniqueFd fd;
  char buffer[kBytesPerRead];
};

// As all of liburing, it returns the error number, negated, and does not set errno.
void CheckRing(int result, const char* call) {
  errno = -result;
  Check(result, call);
}

class Server {
 public:
  Server(UniqueFd listener, const Service& service) : listener_(std::move(listener)), service_(service) {
    CheckRing(io_uring_queue_init(kOperations, &ring_, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN),
              "io_uring_queue_init");
  }

  void Serve() {
    AcceptAll();
    while (true) {
      const int result = io_uring_submit_and_wait(&ring_, 1);
      if (result != -EINTR) CheckRing(result, "io_uring_submit_and_wait");
      unsigned head = 0, count = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(&ring_, head, completion) {
        OnCompletion(*completion);
        ++count;
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  // Has room for one more behind it: a chain of two must not be divided among two submissions.
  io_uring_sqe* NewOperation() {
    if (io_uring_sq_space_left(&ring_) < 2) CheckRing(io_uring_submit(&ring_), "io_uring_submit");
    return io_uring_get_sqe(&ring_);
  }

  void AcceptAll() {
    io_uring_sqe* operation = NewOperation();
    io_uring_prep_multishot_accept(operation, listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(operation, this);
  }

  void Receive(io_uring_sqe* operation, Receiver& client) {
    io_uring_prep_recv(operation, client.fd.get(), client.buffer, sizeof(client.buffer), 0);
    io_uring_sqe_set_data(operation, &client);
  }

  // MSG_WAITALL: the kernel sends all of it, or breaks the chain, and the receive behind it reports ECANCELED.
  void SendAndReceive(std::string_view answer, Receiver& client) {
    io_uring_sqe* operation = NewOperation();
    io_uring_prep_send(operation, client.fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(operation, nullptr);
    operation->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    Receive(io_uring_get_sqe(&ring_), client);
  }

  void OnCompletion(const io_uring_cqe& completion) {
    void* tag = io_uring_cqe_get_data(&completion);
    if (tag == this) return OnAccepted(completion);
    if (tag == nullptr) return;  // A send has failed; the receive behind it says so, too.
    Receiver& client = *static_cast<Receiver*>(tag);
    std::string_view answer;
    if (completion.res > 0) answer = service_.Answer({client.buffer, static_cast<size_t>(completion.res)});
    if (answer.empty()) return clients_[static_cast<size_t>(client.fd.get())].reset();
    SendAndReceive(answer, client);
  }

  void OnAccepted(const io_uring_cqe& completion) {
    if ((completion.flags & IORING_CQE_F_MORE) == 0) AcceptAll();  // The kernel has ended it.
    if (completion.res == -ECONNABORTED) return;
    CheckRing(completion.res, "accept");
    const auto number = static_cast<size_t>(completion.res);
    if (clients_.size() <= number) clients_.resize(number + 1);
    clients_[number] = std::make_unique<Receiver>(UniqueFd(completion.res));
    Receive(NewOperation(), *clients_[number]);
  }

  const UniqueFd listener_;
  const Service& service_;
  io_uring ring_ = {};  // The kernel frees it at the end of the program, before which Serve() does not return.
  std::vector<std::unique_ptr<Receiver>> clients_;  // By their descriptors.
};

}  // namespace

}  // namespace polyserve::bare

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  polyserve::bare::Server(polyserve::bare::Listen(words[1], words[2]), service).Serve();
}
