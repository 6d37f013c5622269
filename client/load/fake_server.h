// FakeServer: a server of a test, which answers as the test says, or does not. A header of tests.
//
//   FakeServer server([](int fd) { if (HearHead(fd) != "") Say(fd, "HTTP/1.1 204 No Content\r\n\r\n"); });
//   plan.to = server.address();
#ifndef POLYSERVE_CLIENT_LOAD_FAKE_SERVER_H_
#define POLYSERVE_CLIENT_LOAD_FAKE_SERVER_H_

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

// Sends all of the text, as the socket blocks; errors are ignored, since a client may close at any time.
inline void Say(int fd, absl::string_view text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

// The head of the next request of HTTP, its empty line included; "" if the client closes first.
inline std::string HearHead(int fd) {
  std::string head;
  for (char byte; !absl::EndsWith(head, "\r\n\r\n"); head += byte) {
    if (::recv(fd, &byte, 1, 0) != 1) return "";
  }
  return head;
}

// Serves each connection by a thread, which returns if it is to be closed. Threads: the test's own makes and destroys
// it; what `serve` shares with the test needs a lock or an atomic of the test's.
class FakeServer {
 public:
  using Serve = std::function<void(int fd)>;

  // Listens from here on; port 0 is any free one. Crashes the test if the address is taken.
  explicit FakeServer(Serve serve, absl::string_view at = "127.0.0.1:0")
      : serve_(std::move(serve)), listener_(*ListenTcp(*Endpoint::Parse(at), absl::InfiniteDuration())) {
    SetNonBlocking(listener_.get(), false).IgnoreError();
    thread_ = std::thread([this] { Accept(); });
  }
  ~FakeServer() { Stop(); }

  Endpoint address() const { return address_; }

  // Closes the listener and all connections. Waits for the threads, which a shutdown(2) of their sockets gets out of
  // their reads. Idempotent.
  void Stop() {
    if (!thread_.joinable()) return;
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    listener_.reset();
    for (const auto& fd : fds_) ::shutdown(fd->get(), SHUT_RDWR);
    threads_.clear();
    fds_.clear();
  }

 private:
  void Accept() {
    while (true) {
      auto fd = std::make_shared<UniqueFd>(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd->ok()) return;
      fds_.push_back(fd);
      threads_.emplace_back([this, fd] {
        serve_(fd->get());
        ::shutdown(fd->get(), SHUT_RDWR);
      });
    }
  }

  const Serve serve_;
  UniqueFd listener_;
  const Endpoint address_ = *Endpoint::OfSocket(listener_.get());
  std::vector<std::shared_ptr<UniqueFd>> fds_;
  std::vector<std::jthread> threads_;
  std::thread thread_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_FAKE_SERVER_H_
