// floor, threadpool: a pool of threads, each of which waits in accept(2) of the same listener and serves one client at
// a time; the services of service.h, with the number of workers in front:
//
//   threadpool WORKERS HOST PORT echo
//
// Leaves out what the model threadpool does for its pool: the number of workers stays.
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 4, words + 4);
  const int workers = std::atoi(words[1]);
  const polyserve::UniqueFd listener = polyserve::bare::Listen(words[2], words[3]);
  std::vector<std::thread> pool;
  for (int i = 0; i < workers; ++i) {
    pool.emplace_back([&service, &listener] {
      while (true) {
        const polyserve::UniqueFd client = polyserve::bare::Accept(listener);
        if (client.ok()) polyserve::bare::ServeBlocking(client, service);
      }
    });
  }
  for (std::thread& worker : pool) worker.join();
}
