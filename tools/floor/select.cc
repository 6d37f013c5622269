// floor, select: one thread for all clients, which waits with select(2); the services of service.h. A client whose
// descriptor does not fit into an fd_set (FD_SETSIZE, 1024) is closed at once. Leaves out fairness between clients:
// each event is one read, but all clients that wait to be accepted are.
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

namespace {

// All clients, by their descriptors, and what each waits for.
struct Clients {
  std::unique_ptr<Client> all[FD_SETSIZE];
  fd_set readable, writable;
  int highest = 0;
};

void AcceptAll(const UniqueFd& listener, Clients& clients) {
  for (UniqueFd fd; (fd = Accept(listener, SOCK_NONBLOCK)).ok();) {
    const int number = fd.get();
    if (number >= FD_SETSIZE) continue;
    clients.all[number] = std::make_unique<Client>(std::move(fd));
    clients.highest = std::max(clients.highest, number);
    FD_SET(number, &clients.readable);
  }
}

void OnEvent(const Service& service, int fd, Clients& clients) {
  std::unique_ptr<Client>& client = clients.all[fd];
  const bool stays = client->OnEvent(service);
  FD_CLR(fd, &clients.readable);
  FD_CLR(fd, &clients.writable);
  if (!stays) return client.reset();
  FD_SET(fd, client->has_unsent() ? &clients.writable : &clients.readable);
}

void Serve(const UniqueFd& listener, const Service& service) {
  Clients clients;
  FD_ZERO(&clients.readable);
  FD_ZERO(&clients.writable);
  FD_SET(listener.get(), &clients.readable);
  clients.highest = listener.get();
  while (true) {
    fd_set readable = clients.readable, writable = clients.writable;
    const int highest = clients.highest;  // Clients that are accepted meanwhile are not in the sets.
    Check(TEMP_FAILURE_RETRY(::select(highest + 1, &readable, &writable, nullptr, nullptr)), "select");
    for (int fd = 0; fd <= highest; ++fd) {
      if (!FD_ISSET(fd, &readable) && !FD_ISSET(fd, &writable)) continue;
      if (fd == listener.get()) {
        AcceptAll(listener, clients);
      } else {
        OnEvent(service, fd, clients);
      }
    }
  }
}

}  // namespace

}  // namespace polyserve::bare

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  polyserve::bare::Serve(polyserve::bare::Listen(words[1], words[2], SOCK_NONBLOCK), service);
}
