// reset_on_close, solved: a lingering close. After its answer the server sends the end, and reads on until the client
// has seen it.
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

constexpr long kMostBytes = 1000;

// Reads the first line byte by byte, and nothing behind it; false if it is not "PUT SIZE".
bool ReadCommand(int client, long* size) {
  char line[32] = "";
  for (size_t at = 0; at + 1 < sizeof line && read(client, line + at, 1) == 1; ++at) {
    if (line[at] == '\n') return sscanf(line, "PUT %ld", size) == 1 && *size >= 0;
  }
  return false;
}

// Reads that many bytes, which a real server would store; how many have come.
long ReadContent(int client, long size) {
  long got = 0;
  char buffer[512];
  while (got < size) {
    const ssize_t some = read(client, buffer, sizeof buffer);
    if (some <= 0) break;
    got += some;
  }
  return got;
}

constexpr int kLongestLingerMs = 2000;
constexpr int kMostReads = 10000;  // so that no client can keep the server by sending

// Sends the end, and reads what is left, so that close() finds nothing unread and sends no reset.
void CloseGently(int client) {
  shutdown(client, SHUT_WR);
  pollfd watched = {client, POLLIN, 0};
  char buffer[4096];
  for (int reads = 0; reads < kMostReads && poll(&watched, 1, kLongestLingerMs) == 1; ++reads) {
    if (read(client, buffer, sizeof buffer) <= 0) break;
  }
  close(client);
}

void Serve(int client) {
  long size = 0;
  if (!ReadCommand(client, &size)) {
    dprintf(client, "what?\n");
  } else if (size > kMostBytes) {
    dprintf(client, "too large\n");
  } else {
    dprintf(client, "stored %ld\n", ReadContent(client, size));
  }
  CloseGently(client);
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client >= 0) Serve(client);
  }
}
