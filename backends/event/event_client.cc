#include "backends/event/event_client.h"

#include <utility>

#include "backends/accept/connection_limit.h"
#include "backends/event/ready_line.h"
#include "net/tcp_bytes.h"

namespace polyserve {

namespace {

// The socket to another server, as the poller knows it. Levels alone, also with --trigger=edge: one that is asked gets
// a call or two.
class UpstreamWatch final : public Upstream::Watch, public Watched {
 public:
  UpstreamWatch(Poller& poller, int fd, EventClient& client) : poller_(poller), fd_(fd), client_(client) {}
  ~UpstreamWatch() override { static_cast<void>(Await(0)); }  // Which cannot fail.

  absl::Status Await(uint8_t events) { return poller_.Set(fd_, events_, events, *this); }
  void OnEvents(uint8_t) override { client_.OnPauseOver(); }  // May destroy this.

 private:
  Poller& poller_;
  const int fd_;
  EventClient& client_;
  uint8_t events_ = 0;
};

}  // namespace

EventClient::EventClient(UniqueFd fd, EventShared& shared, int service)
    : shared_(shared),
      counters_(OfService(*shared.counters, service)),
      fd_(std::move(fd)),
      service_(static_cast<int16_t>(service)),
      watch_(shared.ticks) {
  // An intrusive list: joining allocates nothing, and leaving needs no search.
  shared.clients.push_back(*this);
}

// The socket is unwatched before fd_ closes it: a poller may not hold a descriptor whose number can be given out again.
EventClient::~EventClient() {
  static_cast<void>(Await(0));  // Which cannot fail.
  if (is_in_line_) shared_.line->Leave(*this);
  shared_.clients.erase(shared_.clients.iterator_to(*this));
  CountEnd(counters_, shared_.connection_limit);
}

// A peer that does not take its reply is reset. A plain close would leave the kernel to send what is unsent for
// minutes, to a peer that may never read it.
void EventClient::OnTick() {
  if (has_helper_task() || is_away() || waits_for_turn()) return watch_.Rest(shared_.ticks);
  const Debt owed = debt();
  if (JudgeProgress(fd_.get(), shared_.limits, owed, shared_.ticks, watch_) == Progress::kAlive) return;
  if (owed == Debt::kAcknowledgement) ResetOnClose(fd_.get());
  Drop();
}

void EventClient::RunByHelper(Output::Task task, Output::Task refusal) {
  task_.Run(*shared_.offload, std::move(task), *this, std::move(refusal));
}

bool EventClient::ReadByHelper(const Output& output) { return task_.ReadAhead(shared_.offload, output, *this); }

bool EventClient::TakeResult(Output& output) {
  if (!task_.TakeResult(output)) return false;
  NoteMove();
  return true;
}

void EventClient::PauseFor(absl::Duration time) { shared_.timers.Set(timers().pause, time); }

// The pause is the time that is left to the exchange. One that cannot be watched is over, with the reason as its
// result.
bool EventClient::GoOnAsking(Output& output) {
  Upstream& upstream = Upstream::Of(output);
  if (!upstream.Step()) {
    const absl::Status status = WatchUpstream(upstream);
    PauseFor(upstream.Left());
    if (status.ok()) return false;
    upstream.Fail(absl::ResourceExhaustedError(status.message()));
  }
  PauseFor(absl::InfiniteDuration());
  Upstream::Answer(output);
  NoteMove();  // The peer has waited for us.
  return true;
}

// The watch belongs to the exchange, and so ends before the descriptor is closed.
absl::Status EventClient::WatchUpstream(Upstream& upstream, uint8_t flags) {
  if (upstream.watch == nullptr) {
    upstream.watch = std::make_unique<UpstreamWatch>(*shared_.poller, upstream.fd(), *this);
  }
  const uint8_t events = upstream.wants_room() ? Poller::kWritable : Poller::kReadable;
  return static_cast<UpstreamWatch&>(*upstream.watch).Await(static_cast<uint8_t>(events | flags));
}

void EventClient::SetTimer(absl::Duration after) { shared_.timers.Set(timers().wake, after); }

// Made by the first call: the pair would about double the size of this class, and only connections that pause or
// linger, and sessions that ask for the time, need it.
ConnectionTimers& EventClient::timers() {
  if (timers_ == nullptr) {
    // NOLINTNEXTLINE(modernize-make-unique): a Timer cannot be moved, and so its pair is made in place.
    timers_.reset(
        new ConnectionTimers{.wake = Timer([this] { OnTimer(); }), .pause = Timer([this] { OnPauseOver(); })});
  }
  return *timers_;
}

// One that waits already, in the line or for its turn, has been noted.
void EventClient::JoinLine() {
  if (!waits_for_turn()) shared_.line->Add(*this);
}

bool EventClient::IsRefused(const Conversation& conversation) const {
  if (shared_.refused_as == nullptr || !conversation.may_be_refused()) return false;
  Counters::Add(*shared_.refused_as, 1);
  return true;
}

void EventClient::WaitForTurn() {
  if (waits_for_turn()) return;
  shared_.wait_for_turn.push_back(*this);
}

}  // namespace polyserve
