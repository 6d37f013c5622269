// prefork: processes that are forked before the clients come, each serving one client after the other.
//
//   shared, reuseport   worker:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ epoll_wait ...
//   lock                worker:  lock ─▶ epoll_wait ─▶ accept ─▶ unlock ─▶ [ ... ]* ─▶ close ─▶ lock ...
//   pass                parent:  accept ─▶ sendmsg        worker:  epoll_wait ─▶ recvmsg ─▶ [ ... ]* ─▶ close ─▶ ...
//
// Cost: as many processes as there are workers, however few the clients; no fork while a client waits. A worker that
// crashes takes one client along, and is replaced. Weak spot: as many silent clients as there are workers fill it;
// what clients share (a chat room) needs a place outside of the workers.
// Sources: Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 30 ("preforked" servers); on who accepts:
// Brecht, Pariag, Gammo, "accept()able Strategies for Improving Web Server Performance", USENIX 2004.
#include <gflags/gflags.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/accept_lock.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/connection_passing.h"
#include "backends/backend.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "backends/pool/udp_worker.h"
#include "backends/pool/worker_processes.h"
#include "backends/registry.h"
#include "base/command_line.h"
#include "base/logging.h"
#include "net/fd_passing.h"
#include "net/lifeline.h"
#include "net/process.h"
#include "net/shortage.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "net/wait_set.h"

DEFINE_string(lock, "mutex", "prefork --accept=lock: what the lock is: mutex (shared memory) or file (fcntl)");

namespace polyserve {

namespace {

using State = Scoreboard::State;

constexpr absl::string_view kLeave = "exit";
static_assert(kLeave.size() == kClientParcelBytes);  // Counted as a client would be.

// What clients are passed through, with --accept=pass. One for all workers (the book has one for each), of which the
// parent keeps both ends: a client that a worker was killed before taking is taken by another one.
struct Channel {
  UniqueFd inlet;
  UniqueFd outlet;  // Non-blocking: whoever waited in recvmsg() itself could be killed with a client half received.
};

class ChannelSource : public ClientSource {
 public:
  ChannelSource(int outlet, WaitSet waits, Scoreboard& scoreboard, ServerContext& context)
      : outlet_(outlet), waits_(std::move(waits)), scoreboard_(scoreboard), context_(context) {}

  absl::StatusOr<Connection> Next() override {
    scoreboard_.Wake();  // The parent may wait for somebody to be idle,
    while (true) {
      if (!waits_.Wait().ok()) continue;
      absl::StatusOr<Parcel> parcel = ReceiveParcel(outlet_);
      if (absl::IsUnavailable(parcel.status())) continue;  // Another one was quicker.
      if (absl::IsCancelled(parcel.status())) return parcel.status();
      if (parcel.ok() && parcel->text == kLeave) return absl::CancelledError("dismissed");
      const bool is_short = absl::IsResourceExhausted(parcel.status());
      absl::StatusOr<Connection> client = AdoptClient(std::move(parcel), context_);
      if (client.ok()) return client;
      scoreboard_.Wake();                // or for a client that is lost to have left room.
      if (is_short) PauseForShortage();  // The next clients are for workers that have descriptors for them.
    }
  }

 private:
  const int outlet_;
  WaitSet waits_;
  Scoreboard& scoreboard_;
  ServerContext& context_;
};

class Processes : public WorkerFactory {
 public:
  Processes(ServerContext& context, const PoolOptions& options, Scoreboard& scoreboard,
            SharedListeners& shared_listeners, Lifeline& lifeline, Channel& channel, UdpWorker* udp_worker)
      : context_(context),
        options_(options),
        scoreboard_(scoreboard),
        shared_listeners_(shared_listeners),
        channel_(channel),
        lifeline_(lifeline),
        udp_worker_(udp_worker),
        processes_(scoreboard, lifeline, context, [](int) { return int64_t{0}; }) {}

  absl::Status Start(int slot) override {
    return processes_.Start(slot,
                            [this, slot] { return slot == scoreboard_.udp_slot() ? RunUdpWorker() : RunWorker(slot); });
  }

  void Interrupt() override {
    lifeline_.TellStop();
    if (udp_worker_ != nullptr) udp_worker_->Stop();
  }

  // A worker that has just taken a client may still count as idle, so that one more is passed than there is room for.
  bool HasRoom() override {
    const int idle = scoreboard_.Count(State::kIdle);
    return idle > 0 && idle > CountClients(channel_.outlet.get());
  }
  bool HasUntaken() override { return passes() && CountClients(channel_.outlet.get()) > 0; }

  void HandOver(Connection client) override { SendClient(channel_.inlet.get(), client, context_).IgnoreError(); }

  void DismissOne() override { SendParcel(channel_.inlet.get(), kLeave, {}).IgnoreError(); }
  void DismissAll() override { channel_.inlet.reset(); }

 private:
  int RunWorker(int slot) {
    context_.statistics = context_.statistics.OfWorker(slot);
    channel_.inlet.reset();  // The parent's alone: that it closes tells the workers to leave.
    for (Listener& listener : context_.listeners) {
      if (passes() || listener.has_datagrams()) listener.fd.reset();  // Others accept from them.
    }
    absl::StatusOr<std::unique_ptr<ClientSource>> source = OpenSource(slot);
    if (!source.ok()) {
      LOG(ERROR) << "a worker cannot start: " << source.status().message();
      return 1;
    }
    ServeClients(**source, scoreboard_, slot, options_, context_);
    return 0;
  }

  int RunUdpWorker() {
    channel_.inlet.reset();
    const absl::Status status = udp_worker_->Run(context_, shared_listeners_, scoreboard_);
    if (!status.ok()) LOG(ERROR) << "the worker for datagrams has failed: " << status.message();
    return status.ok() ? 0 : 1;
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    if (!passes()) return shared_listeners_.Open(slot);
    absl::StatusOr<WaitSet> waits = WaitSet::Create();
    if (!waits.ok()) return waits.status();
    absl::Status status = waits->Add(channel_.outlet.get(), nullptr, WaitSet::Wakes::kOne);
    if (!status.ok()) return status;
    return std::make_unique<ChannelSource>(channel_.outlet.get(), *std::move(waits), scoreboard_, context_);
  }

  bool passes() const { return options_.accept == AcceptPolicy::kPass; }

  ServerContext& context_;
  const PoolOptions options_;
  Scoreboard& scoreboard_;
  SharedListeners& shared_listeners_;
  Channel& channel_;
  Lifeline& lifeline_;
  UdpWorker* const udp_worker_;  // Null where nobody sends datagrams.
  WorkerProcesses processes_;
};

using MakeLock = absl::StatusOr<std::unique_ptr<AcceptLock>> (*)();

class PreforkBackend : public Backend {
 public:
  PreforkBackend(const PoolOptions& options, MakeLock make_lock) : options_(options), make_lock_(make_lock) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<Scoreboard> scoreboard = Scoreboard::Create(options_.workers_max, TakesDatagrams(context));
    if (!scoreboard.ok()) return scoreboard.status();
    scoreboard_.emplace(*std::move(scoreboard));
    absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
    if (!lifeline.ok()) return lifeline.status();
    lifeline_ = *std::move(lifeline);
    absl::StatusOr<std::unique_ptr<UdpWorker>> udp_worker = UdpWorker::Create(context);
    if (!udp_worker.ok()) return udp_worker.status();
    udp_worker_ = *std::move(udp_worker);
    absl::StatusOr<std::pair<UniqueFd, UniqueFd>> sockets = MakeParcelSockets();
    if (!sockets.ok()) return sockets.status();
    channel_ = {std::move(sockets->first), std::move(sockets->second)};
    if (absl::Status status = SetNonBlocking(channel_.outlet.get(), true); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<AcceptLock>> lock = nullptr;
    if (options_.accept == AcceptPolicy::kLock) lock = make_lock_();
    if (!lock.ok()) return lock.status();
    absl::StatusOr<std::unique_ptr<SharedListeners>> shared_listeners =
        SharedListeners::Create(context, options_, *std::move(lock));
    if (!shared_listeners.ok()) return shared_listeners.status();
    shared_listeners_ = *std::move(shared_listeners);
    return TryInChild([this, &context] {
      absl::Status status = lifeline_.TryHold(Lifeline::Kin::kChild);
      if (status.ok()) status = shared_listeners_->Open(0).status();
      if (status.ok() && udp_worker_ != nullptr) status = udp_worker_->Try(context, *shared_listeners_, *scoreboard_);
      return status;
    });
  }

  absl::Status Serve(ServerContext& context) override {
    Processes workers(context, options_, *scoreboard_, *shared_listeners_, lifeline_, channel_, udp_worker_.get());
    Pool(context, options_, *scoreboard_, *shared_listeners_, workers).Run();
    return absl::OkStatus();
  }

 private:
  const PoolOptions options_;
  const MakeLock make_lock_;
  std::optional<Scoreboard> scoreboard_;
  Lifeline lifeline_;
  Channel channel_;
  std::unique_ptr<UdpWorker> udp_worker_;
  std::unique_ptr<SharedListeners> shared_listeners_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakePreforkBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (IsFlagSet("lock") && options->accept != AcceptPolicy::kLock) {
    return absl::InvalidArgumentError("--lock goes with --accept=lock; leave it out, or say that");
  }
  if (FLAGS_lock == "mutex") return std::make_unique<PreforkBackend>(*options, &MakeProcessMutex);
  if (FLAGS_lock == "file") return std::make_unique<PreforkBackend>(*options, &MakeFileLock);
  return absl::InvalidArgumentError(absl::StrCat("--lock=", FLAGS_lock, " is not one of mutex, file"));
}

// With listeners of its own for each worker, the kernel gives a client to one of them, whether that has time or not.
void AdjustTraits(Traits& can) {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok() || options->accept != AcceptPolicy::kReusePort) return;
  can.keeps_clients_apart = false;
  can.computes_apart = false;
}

const RegisterModel kRow({.name = "prefork",
                          .description = "a process of a pool",
                          .lesson = 50,
                          .can = {.pooled = true,
                                  .computes_apart = true,
                                  .survives_crash = true,
                                  .shares_memory = false,
                                  .serves_elsewhere = true},
                          .flags = "workers accept lock workers_min workers_max max_requests_per_worker pin_cpus",
                          .adjust = &AdjustTraits,
                          .make = &MakePreforkBackend});

}  // namespace

}  // namespace polyserve
