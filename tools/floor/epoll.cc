// floor, epoll: one thread for all clients, which waits with epoll(7), in epoll_loop.h; the services of service.h.
#include <sys/socket.h>

#include "tools/floor/epoll_loop.h"
#include "tools/floor/service.h"

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  polyserve::bare::EpollLoop<polyserve::bare::Client> loop(polyserve::bare::Listen(words[1], words[2], SOCK_NONBLOCK));
  while (true) loop.Turn([&service](polyserve::bare::Client& client) { return client.OnEvent(service); });
}
