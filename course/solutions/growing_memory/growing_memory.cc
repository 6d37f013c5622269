// growing_memory, solved: a client that does not read is not read from. Its socket's buffers fill, and TCP makes it
// wait.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

// A listener on 127.0.0.1, which is announced on standard output; port 0 is any free port.
int Listen(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, size) != 0 || listen(listener, 128) != 0 || getsockname(listener, generic, &size) != 0) {
    perror("listen");
    exit(1);
  }
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

struct Client {
  int fd;
  std::string unsent = {};
};

// Above it nothing more is read.
constexpr size_t kMostUnsent = 64 << 10;

// What to wait for.
short Events(const Client& client) {
  if (client.unsent.empty()) return POLLIN;
  return client.unsent.size() < kMostUnsent ? POLLIN | POLLOUT : POLLOUT;
}

// Reads what has come, and sends what the socket takes; false if the client has left.
bool OnReady(Client& client, short ready) {
  if ((ready & ~POLLOUT) != 0) {
    char buffer[16384];
    const ssize_t size = recv(client.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (size > 0) client.unsent.append(buffer, size);
  }
  const ssize_t sent = send(client.fd, client.unsent.data(), client.unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  client.unsent.erase(0, sent);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  std::vector<Client> clients;
  while (true) {
    std::vector<pollfd> watched = {{listener, POLLIN, 0}};
    for (const Client& client : clients) watched.push_back({client.fd, Events(client), 0});
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    for (size_t at = clients.size(); at > 0; --at) {
      if (watched[at].revents == 0 || OnReady(clients[at - 1], watched[at].revents)) continue;
      close(clients[at - 1].fd);
      clients.erase(clients.begin() + static_cast<ptrdiff_t>(at - 1));
    }
    if (watched[0].revents == 0) continue;
    const int client = accept(listener, nullptr, nullptr);
    if (client >= 0) clients.push_back({client});
  }
}
