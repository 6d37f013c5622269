#include "backends/pool/shared_listeners.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/acceptor.h"
#include "base/sys_error.h"
#include "net/shortage.h"
#include "net/signals.h"
#include "net/socket.h"
#include "net/steering.h"
#include "net/wait_set.h"

namespace polyserve {

namespace {

// A turn at the lock; without a lock it is always ours.
class Turn {
 public:
  explicit Turn(AcceptLock* lock) : lock_(lock), is_ours_(lock == nullptr || lock->Lock()) {}
  ~Turn() {
    if (lock_ != nullptr && is_ours_) lock_->Unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool is_ours() const { return is_ours_; }

 private:
  AcceptLock* const lock_;
  const bool is_ours_;
};

// One worker's source: waits at the worker's own listeners, and at the pool's request to leave.
class ListenerSource : public ClientSource {
 public:
  ListenerSource(ServerContext& context, absl::Span<const Listener* const> own, absl::Span<const Listener* const> all,
                 int slot, int dismissals, AcceptLock* lock, bool wakes_all, WaitSet waits)
      : own_context_(ContextOfThread(context, slot)),
        own_(own),
        dismissals_(dismissals),
        lock_(lock),
        wakes_all_(wakes_all),
        acceptor_(own_context_, {}),
        waits_(std::move(waits)),
        queues_({all.begin(), all.end()}, {}, context.listen.backlog) {}

  absl::Status Watch() {
    // Without a lock all workers wait at once, and one of them is enough for each event. With a lock only one waits at
    // all.
    const WaitSet::Wakes wakes = lock_ == nullptr && !wakes_all_ ? WaitSet::Wakes::kOne : WaitSet::Wakes::kAll;
    absl::Status status = waits_.Add(dismissals_, nullptr, wakes);
    for (const Listener* listener : own_) status.Update(waits_.Add(listener->fd.get(), listener, wakes));
    return status;
  }

  absl::StatusOr<Connection> Next() override {
    while (!Signals::stopping()) {
      absl::StatusOr<Connection> client = TakeTurn();
      if (client.ok() || absl::IsCancelled(client.status())) return client;
      WaitBecauseOf(client.status());
    }
    return NextOfBacklog();
  }

 private:
  // Waits for one event, and takes what it brings. The lock is held from the wait to the accept, and given back before
  // the client is served. Unavailable: nothing; look again.
  absl::StatusOr<Connection> TakeTurn() {
    const Turn turn(lock_);
    // Asked again, because the wait for the lock may have been long, and no signal ends the wait for a mutex.
    if (!turn.is_ours() || Signals::stopping()) return absl::UnavailableError("interrupted");
    // Not accept(2) itself, which waits at one listener only: there may be several, and a dismissal.
    const absl::StatusOr<const void*> found = waits_.Wait();
    if (!found.ok()) return found.status();
    if (*found == nullptr) return LeaveUnlessNeeded();
    return TryAccept(*static_cast<const Listener*>(*found));
  }

  // A client may have come together with the dismissal. No other worker was woken for it, so it must not be left
  // behind, not even if the server is full: then this worker has to wait for a place.
  absl::StatusOr<Connection> LeaveUnlessNeeded() {
    for (const Listener* listener : own_) {
      absl::StatusOr<Connection> client =
          TryAcceptQueued(*listener, [this](const Listener& at) { return TryAccept(at); });
      if (!absl::IsUnavailable(client.status())) return client;
    }
    uint64_t token = 0;
    // More than one worker may have been woken for a dismissal. The one whose read succeeds leaves; any other gets
    // EAGAIN (EFD_NONBLOCK), and goes on.
    if (::read(dismissals_, &token, sizeof(token)) < 0) return absl::UnavailableError("another one has left");
    return absl::CancelledError("dismissed");
  }

  // The server stops: takes from all queues, whichever slot they belong to. Clients amid a handshake are left to the
  // workers that the pool starts once the handshakes are through; see SharedListeners::ShutDownEmpty().
  absl::StatusOr<Connection> NextOfBacklog() {
    queues_.RefuseNewClients();
    while (true) {
      absl::StatusOr<Connection> client = queues_.Next([this](const Listener& at) { return TryAccept(at); });
      if (client.ok()) return client;
      if (absl::IsUnavailable(client.status())) return absl::CancelledError("the server stops");
      WaitBecauseOf(client.status());
    }
  }

  absl::StatusOr<Connection> TryAccept(const Listener& listener) { return acceptor_.TryAccept(listener); }

  // Outside the lock: another worker may be able to take the client.
  void WaitBecauseOf(const absl::Status& status) {
    if (absl::IsResourceExhausted(status)) PauseForShortage();
    if (absl::IsFailedPrecondition(status)) AwaitCapacity();
  }

  // The server is full, and a client waits. A signal ends this wait, too. A dismissal does not: this worker was woken
  // for the client, and no other was.
  void AwaitCapacity() {
    pollfd place = {acceptor_.capacity_fd(), POLLIN, 0};
    ::poll(&place, 1, -1);
    acceptor_.TakeCapacityEvent();
  }

  ServerContext own_context_;  // Counts in this slot.
  const absl::Span<const Listener* const> own_;
  const int dismissals_;
  AcceptLock* const lock_;
  const bool wakes_all_;
  Acceptor acceptor_;
  WaitSet waits_;
  AcceptQueues queues_;  // All, once the server stops. Without ports: a worker waits for no handshake.
};

// All listeners of a port. An earlier server, from which they were inherited, may have had them steered.
absl::Status Steer(const std::vector<const Listener*>& port, bool by_processor) {
  const int any = port.front()->fd.get();
  if (!by_processor) {
    StopSteering(any);
    return absl::OkStatus();
  }
  const absl::Status status = SteerByProcessor(any, static_cast<int>(port.size()));
  if (status.ok()) return status;
  return absl::UnimplementedError(
      absl::StrCat("--accept=bpf needs Linux 4.6 (", status.message(), "): use --accept=reuseport"));
}

}  // namespace

SharedListeners::SharedListeners(ServerContext& context, const PoolOptions& options, std::unique_ptr<AcceptLock> lock)
    : context_(context),
      threads_per_worker_(options.threads_per_worker),
      lock_(std::move(lock)),
      wakes_all_(options.wakes_all),
      dismissals_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  for (const Listener& listener : context.listeners) {
    if (!listener.has_datagrams()) all_.push_back(&listener);
  }
}

absl::StatusOr<std::unique_ptr<SharedListeners>> SharedListeners::Create(ServerContext& context,
                                                                         const PoolOptions& options,
                                                                         std::unique_ptr<AcceptLock> lock) {
  std::unique_ptr<SharedListeners> shared_listeners(new SharedListeners(context, options, std::move(lock)));
  if (!shared_listeners->dismissals_.ok()) return SysError("eventfd");
  const std::vector<const Listener*> ports = shared_listeners->all_;
  if (options.accept == AcceptPolicy::kReusePort) {
    if (absl::Status status = shared_listeners->DealOut(options); !status.ok()) return status;
  }
  shared_listeners->queues_.emplace(shared_listeners->all_, ports, context.listen.backlog);
  return shared_listeners;
}

// With --accept=reuseport: as many listeners for each address as there are workers, all bound before the first worker
// starts. A listener that joined later would change the hash for all, and one that closed would reset its clients. So
// if an earlier server has left more than there are workers, some workers get several of them.
absl::Status SharedListeners::DealOut(const PoolOptions& options) {
  of_workers_.resize(static_cast<size_t>(options.workers_max));
  const std::vector<const Listener*> inherited = std::exchange(all_, {});
  for (const Listener* listener : inherited) {
    if (!listener->is_sibling) groups_.emplace_back();
    groups_.back().push_back(listener);
  }
  for (std::vector<const Listener*>& group : groups_) {
    if (absl::Status status = AddSiblings(group, options.workers_max); !status.ok()) return status;
    if (absl::Status status = Steer(group, options.steers_by_processor); !status.ok()) return status;
    for (size_t i = 0; i < group.size(); ++i) of_workers_[i % of_workers_.size()].push_back(group[i]);
    all_.insert(all_.end(), group.begin(), group.end());
  }
  return absl::OkStatus();
}

absl::Status SharedListeners::AddSiblings(std::vector<const Listener*>& group, int workers) {
  while (group.size() < static_cast<size_t>(workers)) {
    absl::StatusOr<UniqueFd> fd = ListenBeside(group.front()->fd.get(), context_.idle_timeout, context_.listen);
    if (!fd.ok()) {
      return absl::Status(fd.status().code(), absl::StrCat("--accept=reuseport needs ", workers,
                                                           " listeners for each address: ", fd.status().message(),
                                                           "; lower --workers, or raise 'ulimit -n'"));
    }
    group.push_back(&context_.siblings.emplace_back(group.front()->CopyWith(*std::move(fd))));
  }
  return absl::OkStatus();
}

absl::Span<const Listener* const> SharedListeners::ListenersOf(int slot) const {
  return groups_.empty() ? all_ : of_workers_[static_cast<size_t>(slot / threads_per_worker_)];
}

absl::StatusOr<std::unique_ptr<ClientSource>> SharedListeners::Open(int slot) {
  // A process of several threads would otherwise get all clients until each of its threads has one.
  absl::StatusOr<WaitSet> waits =
      WaitSet::Create(threads_per_worker_ > 1 ? WaitSet::Order::kLast : WaitSet::Order::kStays);
  if (!waits.ok()) return waits.status();
  auto source = std::make_unique<ListenerSource>(context_, ListenersOf(slot), all_, slot, dismissals_.get(),
                                                 lock_.get(), wakes_all_, *std::move(waits));
  if (absl::Status status = source->Watch(); !status.ok()) return status;
  return source;
}

absl::StatusOr<std::vector<Listener>> SharedListeners::CopyListeners(int slot, bool accepts_connections) const {
  std::vector<const Listener*> originals;
  if (accepts_connections) originals.assign(ListenersOf(slot).begin(), ListenersOf(slot).end());
  for (const Listener& listener : context_.listeners) {
    if (listener.has_datagrams() && slot == 0) originals.push_back(&listener);
  }
  std::vector<Listener> copies;
  for (const Listener* original : originals) {
    // A descriptor of its own: the loop closes it when the backlog is taken, while others may still use theirs.
    UniqueFd fd(::fcntl(original->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!fd.ok()) return SysError("fcntl");
    copies.push_back(original->CopyWith(std::move(fd)));
    if (!groups_.empty() && !original->has_datagrams()) copies.back().siblings = SiblingsOf(*original);
  }
  return copies;
}

// All listeners of the port, by their numbers in this process. They stay open for as long as it serves, so the numbers
// stay valid.
std::vector<int> SharedListeners::SiblingsOf(const Listener& one) const {
  std::vector<int> siblings;
  for (const std::vector<const Listener*>& group : groups_) {
    if (std::find(group.begin(), group.end(), &one) == group.end()) continue;
    for (const Listener* listener : group) siblings.push_back(listener->fd.get());
  }
  return siblings;
}

// A listener that this process has closed has no descriptor, and so no client.
bool SharedListeners::HasWaiting(int slot) const {
  const absl::Span<const Listener* const> own = ListenersOf(slot);
  return std::any_of(own.begin(), own.end(), [](const Listener* listener) { return IsReadable(listener->fd.get()); });
}

void SharedListeners::DismissOne() {
  uint64_t count = 0;
  // Read first, so that the counter is never above one: one worker leaves, however often this was called.
  [[maybe_unused]] ssize_t done = ::read(dismissals_.get(), &count, sizeof(count));
  count = 1;
  done = ::write(dismissals_.get(), &count, sizeof(count));
}

// No listener is shut down before all handshakes are through: it may be the one that such a client is for.
bool SharedListeners::ShutDownEmpty() {
  queues_->RefuseNewClients();
  return !queues_->AwaitsHandshake() && queues_->ShutDownEmpty();
}

}  // namespace polyserve
