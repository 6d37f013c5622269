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

using Outcome = NonblockingSteps::Outcome;

ThreadedClient::ThreadedClient(Connection connection, EventShared& shared, ReadyClients& ready, int owner)
    : EventClient(std::move(connection.fd), shared, connection.listener->number),
      ready_(ready),
      owner_(owner),
      steps_(*connection.listener, fd_.get()) {}

ThreadedClient::~ThreadedClient() { SendClosingMessage(fd_.get(), steps_.conversation(), counters_); }

void ThreadedClient::Start(Connection connection, EventShared& shared, ReadyClients& ready, int owner) {
  ThreadedClient* self = new ThreadedClient(std::move(connection), shared, ready, owner);
  if (self->steps_.conversation().is_refused() || !self->Watch()) {
    delete self;
  } else if (shared.grace_over) {
    self->GoOut();  // Nothing may ever come.
  }
}

// The kernel has disarmed the descriptor with the event (EPOLLONESHOT), so it need not be asked to.
void ThreadedClient::OnEvents(uint8_t) {
  is_out_ = true;
  // A copy: the thread that serves it comes when the next wait may have begun.
  if (const TimedWait* const timed = shared_.turn.timed()) timed_ = std::make_unique<TimedWait>(*timed);
  ready_.Add(*this);
}

// For a reason other than an event of the socket: that is still armed, and another thread could be told of it.
void ThreadedClient::GoOut() {
  if (is_out_) {
    is_due_ = true;
    return;
  }
  static_cast<void>(Await(0));  // Which cannot fail.
  if (steps_.upstream() != nullptr) steps_.upstream()->watch = nullptr;
  is_out_ = true;
  ready_.Add(*this);
}

void ThreadedClient::Serve(Workspace& space, Counters& own) {
  space.stopping = Signals::stopping();
  space.grace_over = Signals::grace_over();
  space.timed = timed_.get();
  steps_.conversation().MoveToThisThread();
  outcome_ = steps_.TakeTurn(space, OfService(own, service_));
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
  shared_.wakes->Watch(steps_.conversation().mailbox(), *this, mail_);
  const NonblockingSteps::Needs needs = steps_.needs();
  if (has_timer_ || needs.time < absl::InfiniteDuration()) {
    SetTimer(needs.time);
    has_timer_ = true;
  }
  if (Upstream* const upstream = steps_.upstream(); upstream != nullptr) {
    // One that cannot be watched is over, and the next turn answers.
    if (const absl::Status status = WatchUpstream(*upstream, Poller::kOneShot); !status.ok()) {
      upstream->Fail(absl::ResourceExhaustedError(status.message()));
      is_due_ = true;
    }
  }
  const int events = (needs.input ? Poller::kReadable : 0) | (needs.room ? Poller::kWritable : 0);
  const absl::Status status = Await(static_cast<uint8_t>(events == 0 ? 0 : events | Poller::kOneShot));
  if (!status.ok()) LOG_FLOOD(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
  return status.ok();
}

absl::StatusOr<std::unique_ptr<PollerLoop>> OpenThreadedLoop(ServerContext& context, Mutex& mutex, ReadyClients& ready,
                                                             const int& acceptor, std::function<bool()> admits) {
  const PollerLoopOptions options{.make_poller = [&mutex](Trigger) { return EpollPoller::CreateShared(mutex); },
                                  .admits = std::move(admits)};
  return PollerLoop::Create(context, nullptr, options, [&ready, &acceptor](Connection connection, EventShared& shared) {
    ThreadedClient::Start(std::move(connection), shared, ready, acceptor);
  });
}

}  // namespace polyserve
