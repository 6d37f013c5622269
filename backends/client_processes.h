// A process for each client, made by Process::Start(): what the models share that do so (multiprocess, exec).
//
//   server:   Watch() ─▶ [ PackClient() ─▶ Process::Start() ─▶ Add() ]* ─▶ StopAll()
//   process:                     ServeInNewProcess()
//   program that was started with a client as its standard input:   ServeGivenClient()
#ifndef POLYSERVE_BACKENDS_CLIENT_PROCESSES_H_
#define POLYSERVE_BACKENDS_CLIENT_PROCESSES_H_

#include <sys/types.h>

#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "net/child_observer.h"
#include "net/process.h"

namespace polyserve {

class Acceptor;

// In the server: the processes that serve a client each. In the main thread.
class ClientProcesses : public ChildObserver {
 public:
  // From now on this learns of the ends of processes, and counts the clients of killed ones as ended. Call it before
  // there is one. The context must outlive this.
  void Watch(ServerContext& context);

  // Keeps the process until it has ended. Call it in the thread that reaps, before that reaps again: the process may
  // have ended already.
  void Add(Process process);

  // Asks all of them to finish, again and again, until they have ended. Answers signals meanwhile.
  void StopAll(Acceptor& acceptor);

 private:
  bool OnChildEnd(pid_t pid, int wait_status) override;
  void OnChildSignal() override;

  ServerContext* context_ = nullptr;
  std::unordered_map<pid_t, Process> processes_;
};

// In the process: takes over what PackClient() has packed, and serves the client until it leaves. Blocks. Returns the
// exit status: 0, or 1 if what has come was something else. Call it first of all: it installs the handlers for which
// signals were held back.
int ServeInNewProcess(std::vector<UniqueFd> descriptors, absl::string_view argument, ServerContext& context);

// In a program that was started with a client as its standard input (net/standard_socket.h): serves the client until it
// leaves. Blocks. If it is a program image of a server, the client is one of that server's, and counts there. Otherwise
// the program is alone, with counters of its own, and the client gets the service of the context's first listener.
// InternalError: a server has started the image, and passed something else.
absl::Status ServeGivenClient(UniqueFd client, ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CLIENT_PROCESSES_H_
