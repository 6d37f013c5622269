// select_limit: an echo server in one thread, which waits for all clients with select().
//
// ./select_limit 8082, then in other terminals: nc 127.0.0.1 8082
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
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

// False if the client has left.
bool Echo(int client) {
  char buffer[1024];
  const ssize_t size = read(client, buffer, sizeof buffer);
  return size > 0 && write(client, buffer, size) == size;
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  fd_set watched;
  FD_ZERO(&watched);
  FD_SET(listener, &watched);
  int highest = listener;
  while (true) {
    fd_set ready = watched;
    if (select(highest + 1, &ready, nullptr, nullptr, nullptr) < 0) continue;
    for (int fd = 0; fd <= highest; ++fd) {
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        const int client = accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        FD_SET(client, &watched);
        if (client > highest) highest = client;
      } else if (!Echo(fd)) {
        FD_CLR(fd, &watched);
        close(fd);
      }
    }
  }
}
