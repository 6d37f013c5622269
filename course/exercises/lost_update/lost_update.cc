// lost_update: tickets, numbered from 1, and a thread for each client. No number may be given twice.
//
// ./lost_update 8082, then in other terminals: nc 127.0.0.1 8082, and a line for each ticket
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

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

// The number of the last ticket that was given.
long last_ticket = 0;

// Answers each line with the next number, until the client leaves.
void Serve(int client) {
  char line[64];
  while (read(client, line, sizeof line) > 0) {
    const long mine = ++last_ticket;
    if (dprintf(client, "%ld\n", mine) < 0) break;
  }
  close(client);
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client >= 0) std::thread(Serve, client).detach();
  }
}
