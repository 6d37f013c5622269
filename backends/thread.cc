// thread: a thread for each client. While it waits in recv(2) or send(2), the kernel runs another one: the scheduler is
// the event loop. So long work for one client delays none of the others, and the code reads from top to bottom.
// Cost: a stack for each open connection, idle or not. Weak spot: very many clients; one crash ends all.
//
// What a thread does for its client is in backends/blocking/blocking_driver.cc, BlockingConnection::TakeStep().
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "backends/accept/acceptor.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/registry.h"
#include "net/signals.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

class ThreadBackend : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    // A trial: without a single thread the server could accept clients, but serve none.
    if (absl::Status status = ThreadGroup().Start([] {}); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kAll});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    // One row of counters for all threads would have them contend for its cache line at each request; one for each
    // thread would make every sum longer. Declared before the group, whose threads use the contexts until they end.
    std::vector<ServerContext> contexts;  // One for each row of counters; threads take turns at them.
    for (int slot = 0; slot < Statistics::newcomer_rows(); ++slot) {
      contexts.push_back(ContextOfThread(context, slot));
      contexts.back().statistics = context.statistics.OfNewcomer(slot);
    }
    size_t started_threads = 0;
    // A thread that waits in recv(2) sees no flag, so at a stop each one is interrupted every 50 ms until it has ended
    // (net/thread_group.h).
    ThreadGroup clients;
    while (true) {
      absl::StatusOr<Connection> accepted = acceptor_->Next();
      if (!accepted.ok()) break;  // Told to stop.
      // Shared, so that the client can still be refused here if no thread could be started for it.
      auto client = std::make_shared<Connection>(*std::move(accepted));
      const absl::Status started = clients.Start([&own = contexts[started_threads++ % contexts.size()], client] {
        const WorkerSlot place(own.statistics);
        // The thread's stack is the state of the conversation: while the client is silent, the thread sleeps in a
        // system call, and then continues where it was.
        DriveBlocking(std::move(*client), own);
      });
      // pthread_create(3) gave EAGAIN: a limit on threads (RLIMIT_NPROC, kernel.threads-max, a cgroup's pids.max), or
      // no memory for a stack. This client is closed at once instead of waiting for a thread that may never come; those
      // behind it stay in the kernel's queue until the pause that Refuse() begins is over.
      if (!started.ok()) acceptor_->Refuse(std::move(*client), started);
    }
    while (!clients.InterruptAndWait()) AnswerCommonSignals(Signals::Take(), context);
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadBackend() { return std::make_unique<ThreadBackend>(); }

// survives_crash stays false: the default action of a signal such as SIGSEGV ends the process with all of its threads,
// whichever thread caused it (signal(7)).
const RegisterModel kRow({.name = "thread",
                          .description = "a thread for each client",
                          .lesson = 40,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .make = &MakeThreadBackend});

}  // namespace

}  // namespace polyserve
