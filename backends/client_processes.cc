#include "backends/client_processes.h"

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/connection_passing.h"
#include "backends/blocking/blocking_driver.h"
#include "net/signals.h"
#include "net/statistics.h"

namespace polyserve {

void ClientProcesses::Watch(ServerContext& context) {
  context_ = &context;
  context.child_observers.push_back(this);
}

void ClientProcesses::Add(Process process) {
  const pid_t pid = process.pid();
  processes_.emplace(pid, std::move(process));
}

void ClientProcesses::StopAll(Acceptor& acceptor) {
  while (!processes_.empty()) {
    for (const auto& [pid, process] : processes_) process.Terminate();  // One about to block misses it.
    acceptor.Wait({.clients = false, .at_most = absl::Milliseconds(Signals::kMillisecondsBetweenInterrupts)});
    OnChildSignal();  // Also if a fork server was killed, and sends no signal any more.
  }
}

bool ClientProcesses::OnChildEnd(pid_t pid, int wait_status) {
  const auto process = processes_.find(pid);
  if (process == processes_.end()) return Process::NoteForkServerEnd(pid, wait_status);
  process->second.NoteEnd(pid, wait_status);
  processes_.erase(process);
  CountLostClients(static_cast<int64_t>(processes_.size()), *context_);
  return true;
}

// A fork server reaps its own children; their pidfds tell which of them have ended, all with one poll(2). Direct
// children have none: OnChildEnd() hears of them.
void ClientProcesses::OnChildSignal() {
  if (processes_.empty() || processes_.begin()->second.pidfd() < 0) return;
  std::vector<pollfd> ends;
  for (const auto& [pid, process] : processes_) ends.push_back({process.pidfd(), POLLIN, 0});
  if (::poll(ends.data(), ends.size(), 0) <= 0) return;  // None of these has ended.
  auto end = ends.begin();
  std::erase_if(processes_, [&end](const auto&) { return (end++)->revents != 0; });
  CountLostClients(static_cast<int64_t>(processes_.size()), *context_);
}

int ServeInNewProcess(std::vector<UniqueFd> descriptors, absl::string_view argument, ServerContext& context) {
  Signals::InstallInWorker();  // First of all: signals have been held back until here.
  absl::StatusOr<Connection> client = UnpackClient(std::move(descriptors), argument, context);
  if (!client.ok()) return 1;
  context.statistics = context.statistics.OfNewcomer(::getpid());
  const WorkerSlot slot(context.statistics);
  DriveBlocking(*std::move(client), context);
  return 0;
}

absl::Status ServeGivenClient(UniqueFd client, ServerContext& context) {
  if (Process::IsImage()) {
    const int status = Process::RunImage([&](std::vector<UniqueFd> descriptors, absl::string_view argument) {
      descriptors.insert(descriptors.begin(), std::move(client));  // Process::Options::standard_io has left it out.
      return ServeInNewProcess(std::move(descriptors), argument, context);
    });
    return status == 0 ? absl::OkStatus() : absl::InternalError("the program could not serve");
  }
  const Listener& listener = context.listeners.front();
  Counters::Add(OfService(context.statistics.counters(), listener.number).accepted, 1);
  const WorkerSlot slot(context.statistics);
  DriveBlocking({std::move(client), &listener}, context);
  return absl::OkStatus();
}

}  // namespace polyserve
