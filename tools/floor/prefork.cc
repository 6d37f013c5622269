// floor, prefork: a pool of processes, each of which waits in accept(2) of the same listener and serves one client at a
// time; the services of service.h, with the number of workers in front:
//
//   prefork WORKERS HOST PORT echo
//
// Leaves out what the model prefork does for its pool: a worker that ends is not replaced, and their number stays.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 4, words + 4);
  const int workers = std::atoi(words[1]);
  const polyserve::UniqueFd listener = polyserve::bare::Listen(words[2], words[3]);
  for (int i = 0; i < workers; ++i) {
    if (polyserve::bare::Check(::fork(), "fork") > 0) continue;
    polyserve::bare::Check(::prctl(PR_SET_PDEATHSIG, SIGTERM), "prctl");  // Ends with its parent.
    while (true) {
      const polyserve::UniqueFd client = polyserve::bare::Accept(listener);
      if (client.ok()) polyserve::bare::ServeBlocking(client, service);
    }
  }
  while (::wait(nullptr) > 0) {
  }
  return 1;  // All workers are gone.
}
