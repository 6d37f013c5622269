// floor, fork: a process for each client, forked when it comes; the services of service.h. Leaves out what the model
// fork does to stop its children with it: these go on until their clients leave.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "tools/floor/service.h"

namespace {

// Several children that end at once are one signal, hence the loop. errno is that of the call that was interrupted.
void ReapChildren(int /*signal*/) {
  const int error = errno;
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = error;
}

}  // namespace

int main(int count, char** words) {
  const polyserve::bare::Service service(count - 3, words + 3);
  polyserve::UniqueFd listener = polyserve::bare::Listen(words[1], words[2]);
  struct sigaction on_child_end = {};
  on_child_end.sa_handler = &ReapChildren;
  on_child_end.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  polyserve::bare::Check(::sigaction(SIGCHLD, &on_child_end, nullptr), "sigaction");
  while (true) {
    const polyserve::UniqueFd client = polyserve::bare::Accept(listener);
    if (!client.ok()) continue;
    if (polyserve::bare::Check(::fork(), "fork") > 0) continue;  // The parent's copy of the client is closed here.
    listener.reset();
    polyserve::bare::ServeBlocking(client, service);
    ::_exit(0);  // Which closes the child's copy.
  }
}
