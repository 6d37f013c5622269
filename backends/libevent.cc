// libevent: one thread, and a library between it and the kernel. The library waits with what it thinks best on this
// system (on Linux: epoll), or with --method=select|poll|epoll. A program does this if it wants readiness, and does not
// care how it is reported. Compare it with the three models of these names to see what the library costs, and what it
// brings.
// Cost: a struct event per client. Weak spot: that of the method; and there is no exclusive wake-up, so that each
// client wakes all loops that share a listener.
//
// Its calls are in backends/poller/libevent_poller.cc; the loop around them in backends/event/poller_loop.cc.
#include <gflags/gflags.h>

#include <climits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/poller/libevent_poller.h"
#include "backends/poller/poller.h"
#include "backends/poller/select_poller.h"
#include "backends/registry.h"

DEFINE_string(method, "", "=select|poll|epoll libevent: what the library waits with; its own choice by default");

namespace polyserve {

namespace {

absl::StatusOr<std::unique_ptr<Backend>> MakeLibeventBackend() {
  const std::string method = FLAGS_method;
  if (!method.empty() && method != "select" && method != "poll" && method != "epoll") {
    return absl::InvalidArgumentError(absl::StrCat("--method=", method, " is not one of select, poll, epoll"));
  }
  // The library does not refuse a descriptor that select(2) cannot watch, but writes beyond the end of the set.
  const int max_descriptor = method == "select" ? SelectPoller::kMaxDescriptor : INT_MAX;
  // The function has its own copy of the method: each loop calls it later, in its own thread or process.
  const MakePoller make_poller = [method](Trigger trigger) { return LibeventPoller::Create(method, trigger); };
  return MakeEventBackend({.make_poller = make_poller, .max_descriptor = max_descriptor});
}

void AdjustTraits(Traits& can) {
  AdjustLoopTraits(can);
  // The limit belongs to the system call, even if a library makes it.
  if (FLAGS_method == "select") can.max_clients = SelectPoller::kMaxDescriptor + 1;
}

const RegisterModel kRow(
    {.name = "libevent",
     .description = "one thread, readiness told by libevent",
     .lesson = 110,
     .can = {.queues = true},
     .flags = "method trigger workers worker_type accept accept_batch pin_cpus offload offload_files",
     .adjust = &AdjustTraits,
     .make = &MakeLibeventBackend});

}  // namespace

}  // namespace polyserve
