// floor, thread: a thread for each client; the services of service.h. Leaves out what the model thread does to stop its
// threads, and does not wait for them.
#include <thread>
#include <utility>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  const polyserve::UniqueFd listener = polyserve::bare::Listen(words[1], words[2]);
  while (true) {
    polyserve::UniqueFd client = polyserve::bare::Accept(listener);
    if (!client.ok()) continue;
    std::thread([&service, client = std::move(client)] { polyserve::bare::ServeBlocking(client, service); }).detach();
  }
}
