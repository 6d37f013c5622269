// thundering_herd: eight processes wait for clients at the same listener. Each client is greeted by one of them.
//
// ./thundering_herd 8082, then: nc 127.0.0.1 8082
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// A listener on 127.0.0.1, which is announced on standard output; port 0 is any free port.
int Listen(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
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

constexpr int kWorkers = 8;

// Waits for clients, for ever.
[[noreturn]] void Work(int listener) {
  while (true) {
    pollfd watched = {listener, POLLIN, 0};
    if (poll(&watched, 1, -1) < 0) continue;
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;  // Another worker was quicker.
    dprintf(client, "hello\n");
    close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  for (int worker = 0; worker < kWorkers; ++worker) {
    if (fork() == 0) Work(listener);
  }
  while (wait(nullptr) > 0) {
  }
  return 1;  // All workers have died.
}
