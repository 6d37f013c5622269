// floor, poll: one thread for all clients, which waits with poll(2); the services of service.h. Leaves out fairness
// between clients: each event is one read, but all clients that wait to be accepted are.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

namespace polyserve::bare {

namespace {

void Serve(const UniqueFd& listener, const Service& service) {
  // waiting[0] is the listener, and waiting[i + 1] belongs to clients[i].
  std::vector<pollfd> waiting = {{listener.get(), POLLIN, 0}};
  std::vector<Client> clients;
  while (true) {
    Check(TEMP_FAILURE_RETRY(::poll(waiting.data(), waiting.size(), -1)), "poll");
    // From the end, so that the last client can take the place of one that is dropped: it has had its turn.
    for (size_t i = clients.size(); i-- > 0;) {
      pollfd& own = waiting[i + 1];
      if (own.revents == 0) continue;
      const bool stays = clients[i].OnEvent(service);
      own.events = clients[i].has_unsent() ? POLLOUT : POLLIN;
      if (stays) continue;
      if (i + 1 < clients.size()) clients[i] = std::move(clients.back());
      clients.pop_back();
      own = waiting.back();
      waiting.pop_back();
    }
    if (waiting[0].revents == 0) continue;
    for (UniqueFd fd; (fd = Accept(listener, SOCK_NONBLOCK)).ok();) {
      waiting.push_back({fd.get(), POLLIN, 0});
      clients.emplace_back(std::move(fd));
    }
  }
}

}  // namespace

}  // namespace polyserve::bare

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  polyserve::bare::Serve(polyserve::bare::Listen(words[1], words[2], SOCK_NONBLOCK), service);
}
