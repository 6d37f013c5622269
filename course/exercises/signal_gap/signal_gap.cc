// signal_gap: counts its clients, and says at the end how many came. SIGTERM ends it.
//
// ./signal_gap 8082, then: nc 127.0.0.1 8082; kill PID
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

volatile sig_atomic_t stop = 0;

void OnTerm(int /*number*/) { stop = 1; }

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = OnTerm;  // Without SA_RESTART: poll() fails with EINTR, and the loop checks the flag.
  sigaction(SIGTERM, &action, nullptr);
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  int clients = 0;
  while (stop == 0) {
    pollfd watched = {listener, POLLIN, 0};
    if (poll(&watched, 1, -1) < 0) continue;
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    dprintf(client, "you are client %d\n", ++clients);
    close(client);
  }
  printf("%d clients were served\n", clients);
  return 0;
}
