#include "tests/simulation/mistaken_model.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/upstream.h"
#include "base/unique_fd.h"
#include "net/connection_table.h"
#include "net/deadline.h"
#include "net/signals.h"
#include "net/statistics.h"
#include "net/tcp_bytes.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "tests/simulation/mistaken_receiver.h"

namespace polyserve::simulation {

namespace {

class MistakenDriver {
 public:
  MistakenDriver(Mistake mistake, Way way, UniqueFd fd, const ServerContext& context)
      : mistake_(mistake),
        context_(context),
        fd_(std::move(fd)),
        receiver_(MakeReceiver(way, mistake, fd_.get())),
        session_(context.listeners[0].make_session()),
        idle_end_(IdleEnd()) {}

  void Run() {
    while (!output_.closing() && Wait() && Send()) {
    }
    if (output_.closing() && output_.empty() && !has_ended_) Linger();
    if (Is(Mistake::kClosesUnderWay)) fd_.reset();
    if (Is(Mistake::kResetsGoodPeers) && has_ended_) ResetOnClose(fd_.get());
    if (Is(Mistake::kKeepsSession)) static_cast<void>(session_.release());
    if (Is(Mistake::kNeverCloses)) static_cast<void>(fd_.release());
    if (Is(Mistake::kClosesTwice)) ::close(fd_.get());
  }

 private:
  bool Is(Mistake mistake) const { return mistake_ == mistake; }

  Deadline IdleEnd() const {
    return Deadline(Is(Mistake::kIgnoresSilence) ? absl::InfiniteDuration() : context_.idle_timeout);
  }

  // For input, the timer, or the end of the patience, and shows what has come. False: it is over.
  bool Wait() {
    if (Is(Mistake::kSleeps)) ::poll(nullptr, 0, -1);
    int left = idle_end_.PollMilliseconds();
    if (Is(Mistake::kEndsEarly)) left = std::min(left, 2000);
    if (timer_.has_value()) left = std::min(left, timer_->PollMilliseconds());
    if (Is(Mistake::kSpins)) left = 0;
    const int found = receiver_->Await(left);
    if (Signals::stopping()) return false;
    if (timer_.has_value() && timer_->passed()) {
      timer_.reset();
      if (!Is(Mistake::kNeverRings)) session_->OnTime(output_);
      return true;
    }
    if (found > 0) return Receive();
    if (found < 0) return true;
    return !idle_end_.passed() && !Is(Mistake::kEndsEarly);
  }

  bool Receive() {
    char buffer[4096];
    const ssize_t count = receiver_->Receive(buffer, sizeof(buffer));
    if (count < 0) return errno == EAGAIN;
    idle_end_ = IdleEnd();
    if (count == 0 && !Show()) return false;
    if (count == 0) return has_ended_ = true, session_->OnEndOfInput(output_), true;
    unconsumed_.append(buffer, static_cast<size_t>(count - (Is(Mistake::kLosesInput) ? 1 : 0)));
    if (Is(Mistake::kSwapsInput) && unconsumed_.size() > 1) std::swap(unconsumed_[0], unconsumed_[1]);
    if (Is(Mistake::kShowsEndEarly) && unconsumed_.find('\n') < unconsumed_.size() - 1) {
      return has_ended_ = true, session_->OnEndOfInput(output_), true;
    }
    return Show();
  }

  // All that the session takes, sending in between.
  bool Show() {
    while (!unconsumed_.empty()) {
      Input input(unconsumed_);
      session_->OnInput(input, output_);
      unconsumed_ = std::string(input.bytes());
      if (output_.wants_more() || output_.closing()) return true;
      if (!Send()) return false;
    }
    return true;
  }

  bool Send() {
    if (Is(Mistake::kAsksEarly) && output_.asks()) return Ask();
    const bool moves = !output_.empty();
    if (Is(Mistake::kLosesOutput) && output_.unsent_bytes() > 0) output_.Sent(1);
    if (Is(Mistake::kRepeatsOutput) && output_.unsent_bytes() > 0) Repeat();
    if (Is(Mistake::kReusesLent)) SendLent();
    ConnectionTable::Entry none;
    while (!output_.empty()) {
      const Flushed sent = Flush(fd_.get(), output_, INT64_MAX, context_.statistics.counters(), none);
      if (sent == Flushed::kBroken) return false;
      if (sent == Flushed::kBlocked && AwaitRoom()) continue;
      if (sent == Flushed::kBlocked) return ResetOnClose(fd_.get()), false;
    }
    if (moves) idle_end_ = IdleEnd();
    if (output_.asks()) return Ask();
    // All that a session asks for but sending: there are no tasks.
    if (output_.asks_for_wake()) SetTimer(output_.TakeWakeIn());
    if (!output_.closing()) output_.Clear();
    return true;
  }

  bool AwaitRoom() const {
    const Deadline end(context_.idle_timeout);
    pollfd waits[] = {{fd_.get(), POLLOUT, 0}};
    while (!end.passed()) {
      if (::poll(waits, 1, end.PollMilliseconds()) > 0) return true;
    }
    return false;
  }

  // Asks the other server, and sends what comes of it.
  bool Ask() {
    Upstream& upstream = Upstream::Of(output_);
    while (!upstream.Step()) {
      pollfd waits[] = {{upstream.fd(), upstream.wants_room() ? short{POLLOUT} : short{POLLIN}, 0}};
      const int left = Is(Mistake::kAsksForEver) ? -1 : Deadline(upstream.Left()).PollMilliseconds();
      ::poll(waits, Is(Mistake::kMissesReply) ? 0 : 1, left);
      if (Is(Mistake::kShowsMeanwhile) && !unconsumed_.empty()) Show();
    }
    Upstream::Answer(output_);
    idle_end_ = IdleEnd();
    if (!Send()) return false;
    session_->OnResume(output_);
    return Send();
  }

  void Repeat() {
    iovec piece[1];
    if (output_.FrontMemory(piece, 1) > 0) ::send(fd_.get(), piece[0].iov_base, piece[0].iov_len, MSG_NOSIGNAL);
  }

  void SendLent() {
    iovec piece[1];
    if (output_.FrontMemory(piece, 1) == 0) return;
    const ssize_t sent = receiver_->SendLent({static_cast<const char*>(piece[0].iov_base), piece[0].iov_len});
    if (sent > 0) output_.Sent(sent);
  }

  void SetTimer(absl::Duration after) {
    timer_.reset();
    if (after < absl::InfiniteDuration()) timer_.emplace(Is(Mistake::kRingsEarly) ? after / 2 : after);
  }

  void Linger() {
    ::shutdown(fd_.get(), SHUT_WR);
    if (Is(Mistake::kSendsBehindEnd)) ::send(fd_.get(), "more", 4, MSG_NOSIGNAL);
    if (Is(Mistake::kDoesNotLinger)) return;
    const Deadline end(Is(Mistake::kLingersForEver) ? absl::InfiniteDuration() : kLingeringCloseTimeout);
    while (!end.passed() && !Signals::grace_over()) {
      char buffer[4096];
      if (receiver_->Await(end.PollMilliseconds()) <= 0) continue;
      if (const ssize_t count = receiver_->Receive(buffer, sizeof(buffer));
          count == 0 || (count < 0 && errno != EAGAIN)) {
        return;
      }
    }
  }

  const Mistake mistake_;
  const ServerContext& context_;
  UniqueFd fd_;
  const std::unique_ptr<MistakenReceiver> receiver_;
  std::unique_ptr<Session> session_;
  Deadline idle_end_;
  std::optional<Deadline> timer_;
  std::string unconsumed_;
  bool has_ended_ = false;
  Output output_;
};

class MistakenBackend final : public Backend {
 public:
  MistakenBackend(Mistake mistake, Way way) : mistake_(mistake), way_(way) {}

  absl::Status Serve(ServerContext& context) override {
    const int listener = context.listeners[0].fd.get();
    while (!Signals::stopping()) {
      pollfd waits[] = {{listener, POLLIN, 0}, {Signals::fd(), POLLIN, 0}};
      ::poll(waits, 2, -1);
      UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.ok()) continue;
      Counters& counters = context.statistics.counters();
      Counters::Add(counters.accepted, 1);
      MistakenDriver(mistake_, way_, std::move(fd), context).Run();
      Counters::Add(counters.ended, mistake_ == Mistake::kCountsEndTwice   ? 2
                                    : mistake_ == Mistake::kNeverCountsEnd ? 0
                                                                           : 1);
    }
    return absl::OkStatus();
  }

 private:
  const Mistake mistake_;
  const Way way_;
};

}  // namespace

Subject MistakenModel(Mistake mistake, Way way) {
  return {.name = "mistaken",
          .make = [mistake, way]() -> absl::StatusOr<std::unique_ptr<Backend>> {
            return std::make_unique<MistakenBackend>(mistake, way);
          },
          .has_least_rate = false,
          .has_tasks = false};
}

}  // namespace polyserve::simulation
