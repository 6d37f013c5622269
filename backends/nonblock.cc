// nonblock: one thread, which asks each descriptor in turn whether it has anything, and never waits for one of them.
// It does not know which are ready: after a round in which none was, it sleeps for --poll_interval and asks again.
// Cost: a system call per client and round, idle or not, and rounds even while nothing happens. Weak spot: many idle
// clients, since every request waits until all have been asked. A request may wait for the end of the sleep, too;
// without a sleep (--poll_interval=0) a processor is always busy. select, poll and epoll are the ways out.
// What a client is asked, recv(2) above all, is in backends/connection/nonblocking_steps.cc, TakeSteps().
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
#include "net/shortage.h"
#include "net/signals.h"
#include "net/statistics.h"

DEFINE_string(poll_interval, "1ms", "=TIME nonblock: how long to sleep after a round that moved nothing; 0 for never");
DEFINE_bool(log_waiting, false, "nonblock: a line in the log for every 3 seconds without a client");

namespace polyserve {

namespace {

constexpr absl::Duration kLogInterval = absl::Seconds(3);

class NonblockBackend : public Backend {
 public:
  explicit NonblockBackend(absl::Duration interval) : interval_(absl::ToTimespec(interval)) {}

  absl::Status Prepare(ServerContext& context) override {
    shared_ = std::make_unique<NonblockShared>(context);
    absl::StatusOr<std::unique_ptr<UdpSockets>> udp = UdpSockets::Create(context);
    if (!udp.ok()) return udp.status();
    udp_ = *std::move(udp);
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
        Acceptor::Create(context, {.non_blocking = true, .udp = AcceptUdp::kOwnPorts});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    const WorkerSlot slot(context.statistics);
    while (true) {
      shared_->BeginRound();
      AnswerCommonSignals(Signals::Take(), context);  // A read(2) a round: no wait would report them.
      shared_->space.stopping = Signals::stopping();  // Once a round, so that the backlog is surely taken first.
      shared_->space.grace_over = Signals::grace_over();
      Accept(context);
      const bool udp_moved = udp_->Serve();
      const bool moved = GiveTurns() || udp_moved;
      if (is_drained_ && clients_.empty() && udp_->empty()) return absl::OkStatus();
      LookAtClock();
      const bool sleeps = interval_.tv_sec > 0 || interval_.tv_nsec > 0;
      shared_->turn.BeginWait();
      if (!moved && sleeps) ::nanosleep(&interval_, nullptr);  // A signal ends it.
    }
  }

 private:
  // Asks every listener for clients; once the server stops, takes those that had connected before.
  void Accept(const ServerContext& context) {
    if (shared_->space.stopping) udp_->Drain();  // Before the end of the backlog closes the sockets.
    if (pause_.has_value() && !pause_->passed()) return;
    pause_.reset();
    while (shared_->space.stopping && !is_drained_ && Take(acceptor_->NextOfBacklog())) continue;
    for (const Listener& listener : context.listeners) {
      if (shared_->space.stopping || (listener.has_datagrams() && !listener.own_ports)) continue;
      for (int i = 0; i < kAcceptsPerTurn && Take(acceptor_->TryAccept(listener)); ++i) continue;
    }
  }

  bool Take(absl::StatusOr<Connection> accepted) {  // False: no client was there.
    if (absl::IsResourceExhausted(accepted.status())) pause_.emplace(kShortagePause);
    if (absl::IsCancelled(accepted.status())) is_drained_ = true;
    if (!accepted.ok()) return false;
    if (accepted->listener->own_ports) {
      udp_->Start(*std::move(accepted));
    } else {
      clients_.emplace_back(*std::move(accepted), *shared_);
    }
    return true;
  }

  // Asks every client. Returns whether any has moved.
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
    if (shared_->TakeTick()) clients_.remove_if([](NonblockClient& client) { return !client.OnTick(); });
    if (!FLAGS_log_waiting) return;
    if (clients_.empty() && log_.passed()) LOG(INFO) << "waiting for a client";
    if (!clients_.empty() || log_.passed()) log_ = Deadline(kLogInterval);
  }

  const timespec interval_;
  std::unique_ptr<Acceptor> acceptor_;
  std::optional<Deadline> pause_;  // Of accepting, after a shortage.
  bool is_drained_ = false;        // The server stops, and all clients that had connected before were taken.
  std::unique_ptr<UdpSockets> udp_;
  std::unique_ptr<NonblockShared> shared_;  // Outlives the clients.
  std::list<NonblockClient> clients_;       // A list: any may end, and the others stay where they are.
  Deadline log_{kLogInterval};
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
