// nonblock: one thread, which asks each descriptor in turn whether it has anything, and never waits for one of them.
// Nobody tells it which are ready: after a round in which none was it sleeps for --poll_interval, and asks again.
// Cost: a system call per client and round, idle or not, and rounds even while nothing happens. Weak spot: many idle
// clients, whom every request waits for. A request may wait for the end of the sleep, too; without a sleep
// (--poll_interval=0) a processor is busy for ever. select, poll and epoll are the ways out.
#include <gflags/gflags.h>
#include <time.h>

#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/connection/fairness.h"
#include "backends/nonblock_client.h"
#include "backends/registry.h"
#include "backends/udp/udp_sockets.h"
#include "base/command_line.h"
#include "base/logging.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/shortage.h"
#include "net/signals.h"

DEFINE_string(poll_interval, "1ms", "nonblock: how long to sleep after a round that moved nothing; 0 for never");
DEFINE_bool(log_waiting, false, "nonblock: a line in the log for every 3 seconds without a client");

namespace polyserve {

namespace {

constexpr absl::Duration kLogInterval = absl::Seconds(3);

class PollingLoop {
 public:
  PollingLoop(ServerContext& context, Acceptor& acceptor, UdpSockets& ports, absl::Duration interval)
      : context_(context),
        interval_(absl::ToTimespec(interval)),
        acceptor_(acceptor),
        ports_(ports),
        shared_{.counters = context.statistics.counters(),
                .connection_limit = context.connection_limit.get(),
                .limits = ProgressLimits(context.idle_timeout, context.least_rate)},
        tick_(shared_.limits.tick()) {}

  void Run() {
    const WorkerSlot place(context_.statistics);
    while (true) {
      AnswerCommonSignals(Signals::Take(), context_);
      shared_.stopping = Signals::stopping();  // Looked at once a round, so that the backlog is surely taken first.
      shared_.grace_over = Signals::grace_over();
      Accept();
      const bool ports_moved = ports_.Serve();
      const bool moved = GiveTurns() || ports_moved;
      if (is_drained_ && clients_.empty() && ports_.empty()) return;
      LookAtClock();
      const bool sleeps = interval_.tv_sec > 0 || interval_.tv_nsec > 0;
      if (!moved && sleeps) ::nanosleep(&interval_, nullptr);  // A signal ends it.
    }
  }

 private:
  void Accept() {
    if (shared_.stopping) ports_.Drain();
    if (pause_.has_value() && !pause_->passed()) return;
    pause_.reset();
    if (shared_.stopping) return TakeBacklog();
    for (const Listener& listener : context_.listeners) {
      if (!listener.has_datagrams() || listener.own_ports) AcceptFrom(listener);
    }
  }

  // Those who had connected before the stop.
  void TakeBacklog() {
    while (!is_drained_) {
      absl::StatusOr<Connection> connection = acceptor_.NextOfBacklog();
      if (absl::IsResourceExhausted(connection.status())) pause_.emplace(kShortagePause);
      is_drained_ = absl::IsCancelled(connection.status());
      if (!connection.ok()) return;
      Start(*std::move(connection));
    }
  }

  void AcceptFrom(const Listener& listener) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      absl::StatusOr<Connection> connection = acceptor_.TryAccept(listener);
      if (absl::IsResourceExhausted(connection.status())) pause_.emplace(kShortagePause);
      if (!connection.ok()) return;
      Start(*std::move(connection));
    }
  }

  void Start(Connection connection) {
    if (connection.listener->own_ports) return ports_.Start(std::move(connection));
    clients_.emplace_back(std::move(connection), shared_);
  }

  // Returns whether any client has moved.
  bool GiveTurns() {
    bool moved = false;
    for (auto client = clients_.begin(); client != clients_.end();) {
      const NonblockClient::Outcome outcome = client->TakeTurn();
      moved = moved || outcome != NonblockClient::Outcome::kNothing;
      client = outcome == NonblockClient::Outcome::kOver ? clients_.erase(client) : std::next(client);
    }
    return moved;
  }

  void LookAtClock() {
    if (tick_.passed()) {
      ++shared_.ticks;
      clients_.remove_if([](NonblockClient& client) { return !client.OnTick(); });
      tick_ = Deadline(shared_.limits.tick());
    }
    if (!FLAGS_log_waiting) return;
    if (clients_.empty() && log_.passed()) LOG(INFO) << "waiting for a client";
    if (!clients_.empty() || log_.passed()) log_ = Deadline(kLogInterval);
  }

  ServerContext& context_;
  const timespec interval_;
  Acceptor& acceptor_;
  std::optional<Deadline> pause_;  // Of accepting, after a shortage.
  bool is_drained_ = false;        // The server stops, and all who had connected before were taken.
  UdpSockets& ports_;
  NonblockShared shared_;
  std::list<NonblockClient> clients_;
  Deadline tick_;
  Deadline log_{kLogInterval};
};

class NonblockBackend : public Backend {
 public:
  explicit NonblockBackend(absl::Duration interval) : interval_(interval) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<UdpSockets>> ports = UdpSockets::Create(context);
    if (!ports.ok()) return ports.status();
    ports_ = *std::move(ports);
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
        Acceptor::Create(context, {.non_blocking = true, .udp = AcceptUdp::kOwnPorts});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    PollingLoop(context, *acceptor_, *ports_, interval_).Run();
    return absl::OkStatus();
  }

 private:
  const absl::Duration interval_;
  std::unique_ptr<UdpSockets> ports_;
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeNonblockBackend() {
  const absl::StatusOr<absl::Duration> interval = ParseTimeFlag("poll_interval", FLAGS_poll_interval);
  if (!interval.ok()) return interval.status();
  if (*interval == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError("--poll_interval=inf would never look again; give a time, for example 1ms");
  }
  return std::make_unique<NonblockBackend>(*interval);
}

void AdjustTraits(Traits& can) {
  const absl::StatusOr<absl::Duration> interval = ParseTimeFlag("poll_interval", FLAGS_poll_interval);
  can.spins = interval.ok() && *interval == absl::ZeroDuration();
}

const RegisterModel kRow({.name = "nonblock",
                          .description = "one thread, asking each descriptor again and again",
                          .lesson = 70,
                          .can = {.sleeps = false},
                          .flags = "poll_interval log_waiting",
                          .adjust = &AdjustTraits,
                          .make = &MakeNonblockBackend});

}  // namespace

}  // namespace polyserve
