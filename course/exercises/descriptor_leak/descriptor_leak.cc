// descriptor_leak: a server that starts jobs. A client sends a line with a number of seconds, and the server starts
// "sleep" with it in the background, says so, and closes the connection.
//
// ./descriptor_leak 8082, then: echo 60 | nc 127.0.0.1 8082
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

// Starts the job in the background, and does not wait for it.
void StartJob(const char* seconds) {
  if (fork() == 0) {
    execlp("sleep", "sleep", seconds, nullptr);
    _exit(127);
  }
}

// Reads the client's line, a number of seconds; false if none comes.
bool ReadLine(int client, char* line, size_t capacity) {
  size_t size = 0;
  while (size + 1 < capacity && read(client, line + size, 1) == 1) {
    if (line[size] == '\n') {
      line[size] = '\0';
      return true;
    }
    ++size;
  }
  return false;
}

void Serve(int client) {
  char line[32];
  if (!ReadLine(client, line, sizeof line)) return;
  StartJob(line);
  if (write(client, "started\n", 8) != 8) perror("write");
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGCHLD, SIG_IGN);  // Jobs that have ended leave nothing behind.
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      perror("accept");
      return 1;
    }
    Serve(client);
    close(client);  // The client sees the end.
  }
}
