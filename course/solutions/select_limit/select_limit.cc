// select_limit, solved: poll() takes a list of descriptors, whatever their numbers are.
//
// A server that has to use select() turns a client away whose descriptor is FD_SETSIZE or above: it closes it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

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

// False if the client has left.
bool Echo(int client) {
  char buffer[1024];
  const ssize_t size = read(client, buffer, sizeof buffer);
  return size > 0 && write(client, buffer, size) == size;
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  std::vector<pollfd> watched = {{listener, POLLIN, 0}};
  while (true) {
    if (poll(watched.data(), watched.size(), -1) < 0) continue;
    for (size_t at = watched.size() - 1; at > 0; --at) {
      if (watched[at].revents == 0 || Echo(watched[at].fd)) continue;
      close(watched[at].fd);
      watched[at] = watched.back();  // The last one was checked already.
      watched.pop_back();
    }
    if (watched[0].revents == 0) continue;
    const int client = accept(listener, nullptr, nullptr);
    if (client >= 0) watched.push_back({client, POLLIN, 0});
  }
}
