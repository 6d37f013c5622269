// silent_connection: a pool of two threads. Each takes a client, reads its request, answers, and takes the next client.
//
// ./silent_connection 8082, then in other terminals: echo GET / | nc 127.0.0.1 8082
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
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

constexpr int kWorkers = 2;

// Reads a request, which is one line, and answers it.
void Answer(int client) {
  char byte = 0;
  while (byte != '\n') {
    if (read(client, &byte, 1) != 1) break;
  }
  if (byte == '\n') dprintf(client, "hello\n");
  close(client);
}

[[noreturn]] void Work(int listener) {
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client >= 0) Answer(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  std::vector<std::thread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) workers.emplace_back(Work, listener);
  for (std::thread& worker : workers) worker.join();
}
