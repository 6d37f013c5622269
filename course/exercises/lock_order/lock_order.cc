// lock_order: a bank with ten accounts, and a thread for each client. Each account has a lock of its own, so that
// transfers between different accounts do not wait for each other.
//
// ./lock_order 8082, then in other terminals: nc 127.0.0.1 8082, and for example: 1 2 50
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
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

struct Account {
  std::mutex mutex;  // guards the balance
  long balance = 1000;
};

Account accounts[10];

void Move(Account& from, Account& to, long amount) {
  const std::lock_guard<std::mutex> lock_from(from.mutex);
  const std::lock_guard<std::mutex> lock_to(to.mutex);
  from.balance -= amount;
  to.balance += amount;
}

// Reads lines "FROM TO AMOUNT" until the client leaves, and answers each with "ok".
void Serve(int client) {
  FILE* const lines = fdopen(client, "r");
  int from = 0;
  int to = 0;
  long amount = 0;
  while (fscanf(lines, "%d %d %ld", &from, &to, &amount) == 3) {
    const bool good = from >= 0 && from < 10 && to >= 0 && to < 10;
    if (good && from != to) Move(accounts[from], accounts[to], amount);
    if (dprintf(client, good ? "ok\n" : "no such account\n") < 0) break;
  }
  fclose(lines);
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
