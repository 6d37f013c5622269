#include "backends/threaded_client.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/upstream.h"
#include "backends/event/poller_loop_options.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "base/logging.h"
#include "net/signals.h"

namespace polyserve {

SteppedClient::SteppedClient(Connection connection, EventShared& shared, ReadyClients& ready, int owner)
    : ThreadedClient(std::move(connection.fd), shared, connection.listener->number, ready, owner),
      steps_(*connection.listener, fd_.get()) {}

SteppedClient::~SteppedClient() {
  SendClosingMessage(fd_.get(), steps_.conversation(), counters_);
  StopMail();
}

void ThreadedClient::Start(std::unique_ptr<ThreadedClient> client) {
  if (client->conversation().is_refused() || !client->Watch()) return;
  ThreadedClient* const self = client.release();
  if (self->shared_.grace_over) self->GoOut();  // Nothing may ever come.
}

// The kernel has disarmed the descriptor with the event (EPOLLONESHOT), so it need not be asked to.
void ThreadedClient::OnEvents(uint8_t) {
  is_out_ = true;
  // A copy: the thread that serves it comes when the next wait may have begun.
  if (const TimedWait* const wait = timed(); wait != nullptr) timed_ = std::make_unique<TimedWait>(*wait);
  ready_.Add(*this);
}

// For a reason other than an event of the socket: that is still armed, and another thread could be told of it.
void ThreadedClient::GoOut() {
  if (is_out_) {
    is_due_ = true;
    return;
  }
  static_cast<void>(Await(0));  // Which cannot fail.
  if (upstream() != nullptr) upstream()->watch = nullptr;
  is_out_ = true;
  ready_.Add(*this);
}

void ThreadedClient::Serve(Workspace& space, Counters& own) {
  space.stopping = Signals::stopping();
  space.grace_over = Signals::grace_over();
  space.timed = timed_.get();
  conversation().MoveToThisThread();
  outcome_ = TakeTurn(space, OfService(own, service_));
  if (timed_ != nullptr) timed_ = nullptr;
}

// What came while it was out may be what it would wait for now. Then it goes behind the others that are ready.
void ThreadedClient::Return() {
  const bool is_due = std::exchange(is_due_, false) || outcome_ == Outcome::kHandOver;
  if (outcome_ != Outcome::kNothing) NoteMove();
  if (outcome_ == Outcome::kOver) {
    delete this;
  } else if (is_due) {
    ready_.Add(*this);
  } else {
    is_out_ = false;
    if (!Watch()) return delete this;
    if (std::exchange(is_due_, false)) GoOut();
  }
}

// The thread that has served it arms it again, by EPOLL_CTL_MOD: what has come since the event is reported at once.
bool ThreadedClient::Watch() {
  WatchMail(conversation().mailbox(), mail_);
  const Needs what = needs();
  if (has_timer_ || what.time < absl::InfiniteDuration()) {
    SetTimer(what.time);
    has_timer_ = true;
  }
  if (Upstream* const asked = upstream(); asked != nullptr) {
    // One that cannot be watched is over, and the next turn answers.
    if (const absl::Status status = WatchUpstream(*asked, Poller::kOneShot); !status.ok()) {
      asked->Fail(absl::ResourceExhaustedError(status.message()));
      is_due_ = true;
    }
  }
  const int events = (what.input ? Poller::kReadable : 0) | (what.room ? Poller::kWritable : 0);
  const absl::Status status = Await(static_cast<uint8_t>(events == 0 ? 0 : events | Poller::kOneShot));
  if (!status.ok()) LOG_FLOOD(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
  return status.ok();
}

absl::StatusOr<std::unique_ptr<PollerLoop>> OpenThreadedLoop(ServerContext& context, Mutex& mutex, ReadyClients& ready,
                                                             const int& acceptor, const ThreadedLoopOptions& options) {
  const auto make_poller = [&mutex, most = options.events_per_wait](Trigger) {
    return EpollPoller::CreateShared(mutex, most);
  };
  MakeThreadedClient make = options.make_client;
  if (make == nullptr) {
    make = [&ready, &acceptor](Connection connection, EventShared& shared) {
      return std::make_unique<SteppedClient>(std::move(connection), shared, ready, acceptor);
    };
  }
  const auto start = [make](Connection connection, EventShared& shared) {
    ThreadedClient::Start(make(std::move(connection), shared));
  };
  return PollerLoop::Create(context, nullptr, {.make_poller = make_poller, .admits = options.admits}, start);
}

}  // namespace polyserve
