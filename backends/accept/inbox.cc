#include "backends/accept/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "backends/accept/connection_passing.h"
#include "backends/accept/no_client.h"
#include "base/mutex.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/fd_passing.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// Between threads. The eventfd becomes readable with the first client, or at the end, and stays so until the loop finds
// the inbox empty: a burst of clients costs one wake.
class ThreadInbox : public Inbox {
 public:
  ThreadInbox(UniqueFd wake, std::function<void()> on_room) : on_room_(std::move(on_room)), wake_(std::move(wake)) {}

  int CountUntaken() override {
    MutexLock lock(mutex_);
    return static_cast<int>(clients_.size());
  }

  absl::Status Put(Connection client) override {
    // Written under the lock, so that a loop which has just found the inbox empty cannot clear the wake of this client.
    MutexLock lock(mutex_);
    if (clients_.empty()) Wake();
    clients_.push_back(std::move(client));
    return absl::OkStatus();
  }

  void Close() override {
    MutexLock lock(mutex_);
    is_closed_ = true;
    Wake();
  }

  int fd() const override { return wake_.get(); }

  absl::StatusOr<Connection> Take() override {
    MutexLock lock(mutex_);
    if (clients_.empty()) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof(count));
      if (is_closed_) return absl::CancelledError("no more clients will come");
      return NoClient();
    }
    // The pool stops looking at a full inbox, so it has to learn of the first place; more wakes would tell it nothing
    // new.
    if (clients_.size() == kMaxWaiting) on_room_();
    Connection client = std::move(clients_.front());
    clients_.pop_front();
    return client;
  }

 private:
  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
  }

  const std::function<void()> on_room_;
  const UniqueFd wake_;
  Mutex mutex_;
  std::deque<Connection> clients_ ABSL_GUARDED_BY(mutex_);
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// Between processes: the clients wait in the socket. The parent keeps both ends, so that clients survive a loop that is
// killed; a worker closes its copy of the inlet (Close()), because the end shows only when the last copy is closed.
class ProcessInbox : public Inbox {
 public:
  ProcessInbox(UniqueFd inlet, UniqueFd outlet, ServerContext& context, std::function<void()> on_room)
      : context_(context), on_room_(std::move(on_room)), inlet_(std::move(inlet)), outlet_(std::move(outlet)) {}

  int CountUntaken() override { return CountClients(outlet_.get()); }
  // The client's descriptor is closed on return. Until a loop has received the message, the message itself keeps the
  // connection open (SCM_RIGHTS, unix(7)).
  absl::Status Put(Connection client) override { return SendClient(inlet_.get(), client, context_); }
  void Close() override { inlet_.reset(); }

  int fd() const override { return outlet_.get(); }

  absl::StatusOr<Connection> Take() override {
    absl::StatusOr<Parcel> parcel = ReceiveParcel(outlet_.get());
    if (absl::IsUnavailable(parcel.status())) taken_ = 0;
    if (absl::IsUnavailable(parcel.status()) || absl::IsCancelled(parcel.status())) return parcel.status();
    // This side does not know whether the inbox was full when the pool looked. But if it was, kMaxWaiting clients are
    // taken from then on before it is found empty. So a wake after every kMaxWaiting clients in a row comes at least
    // once, and a loop that keeps up causes none. A client that was lost on the way has made room as well.
    if (++taken_ % kMaxWaiting == 0) on_room_();
    if (!parcel.ok()) return parcel.status();
    return TakeClient(std::move(parcel), context_);
  }

 private:
  ServerContext& context_;
  const std::function<void()> on_room_;
  UniqueFd inlet_;
  const UniqueFd outlet_;
  int taken_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Inbox>> MakeThreadInbox(std::function<void()> on_room) {
  UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.ok()) return SysError("eventfd");
  return std::make_unique<ThreadInbox>(std::move(wake), std::move(on_room));
}

absl::StatusOr<std::unique_ptr<Inbox>> MakeProcessInbox(ServerContext& context, std::function<void()> on_room) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> sockets = MakeParcelSockets();
  if (!sockets.ok()) return sockets.status();
  // The receiving end alone: a full socket may hold up the pool's thread for a moment, but no loop waits in Take().
  if (absl::Status status = SetNonBlocking(sockets->second.get(), true); !status.ok()) return status;
  return std::make_unique<ProcessInbox>(std::move(sockets->first), std::move(sockets->second), context,
                                        std::move(on_room));
}

}  // namespace polyserve
