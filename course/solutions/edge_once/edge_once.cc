// edge_once, solved: behind an edge a client is read until nothing is left (EAGAIN).
//
// A client that never stops sending would keep all others waiting: a server reads a bounded number of times, and
// remembers which clients have more.
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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

void Watch(int poller, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// Answers all that has come.
void OnReadable(int client) {
  while (true) {
    char buffer[512];
    const ssize_t size = read(client, buffer, sizeof buffer);
    if (size < 0 && errno == EAGAIN) return;  // From here on the next byte is an edge again.
    if (size < 0 && errno == EINTR) continue;
    for (ssize_t at = 0; at < size; ++at) buffer[at] = static_cast<char>(toupper(buffer[at]));
    if (size <= 0 || write(client, buffer, size) != size) {
      close(client);
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  Watch(poller, listener, EPOLLIN);
  while (true) {
    epoll_event events[64];
    const int ready = epoll_wait(poller, events, 64, -1);
    for (int at = 0; at < ready; ++at) {
      const int fd = events[at].data.fd;
      if (fd != listener) {
        OnReadable(fd);
        continue;
      }
      const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      if (client >= 0) Watch(poller, client, EPOLLIN | EPOLLET);
    }
  }
}
