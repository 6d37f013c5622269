// silent_connection, solved: the main thread waits for requests, of all clients at once, and a worker gets a client
// when something has come from it.
//
// Half a request still keeps a worker: the next step is to read in the main thread, too, or to bound how long a worker
// waits.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
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

// Clients that have sent something, for the workers.
class Queue {
 public:
  void Put(int client) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      clients_.push_back(client);
    }
    filled_.notify_one();
  }

  int Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    filled_.wait(lock, [this] { return !clients_.empty(); });
    const int client = clients_.front();
    clients_.pop_front();
    return client;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<int> clients_;
};

// Hands each client that has sent something to the workers; the others stay, and cost no thread.
void WaitForRequests(std::vector<pollfd>& silent, Queue& queue) {
  if (poll(silent.data(), silent.size(), -1) < 0) return;
  for (size_t at = silent.size() - 1; at > 0; --at) {
    if (silent[at].revents == 0) continue;
    queue.Put(silent[at].fd);
    silent[at] = silent.back();  // The last one was checked already.
    silent.pop_back();
  }
  if (silent[0].revents == 0) return;
  const int client = accept(silent[0].fd, nullptr, nullptr);
  if (client >= 0) silent.push_back({client, POLLIN, 0});
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const int listener = Listen(argc > 1 ? atoi(argv[1]) : 0);
  Queue queue;
  for (int worker = 0; worker < kWorkers; ++worker) {
    std::thread([&queue] {
      while (true) Answer(queue.Take());
    }).detach();
  }
  std::vector<pollfd> silent = {{listener, POLLIN, 0}};
  while (true) WaitForRequests(silent, queue);
}
