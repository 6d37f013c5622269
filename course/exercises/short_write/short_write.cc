// short_write: each client gets a text of 18,893 bytes, and then the end.
//
// ./short_write 8082, then: nc 127.0.0.1 8082
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

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

// The lines 1 to 2000.
std::string Text() {
  std::string text;
  for (int number = 1; number <= 2000; ++number) text += "line " + std::to_string(number) + "\n";
  return text;
}

void Send(int client, const std::string& text) {
  if (write(client, text.data(), text.size()) < 0) perror("write");
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);  // A client that has left is an error of write(), and no reason to end.
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  const std::string text = Text();
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    Send(client, text);
    close(client);
  }
}
