#include "backends/event_client.h"

#include <sys/time.h>

#include <utility>

#include "backends/idle_ticks.h"

namespace polyserve {

EventClient::EventClient(UniqueFd fd, EventShared& shared, int service)
    : shared_(shared), counters_(OfService(*shared.counters, service)), fd_(std::move(fd)), last_moved_(shared.ticks) {
  shared.clients.push_back(*this);
}

EventClient::~EventClient() {
  shared_.clients.erase(shared_.clients.iterator_to(*this));
  CountEnd(counters_, shared_.turnstile);
}

void EventClient::OnTick() {
  if (shared_.ticks - last_moved_ > kTicksPerTimeout && !works_elsewhere()) Drop();
}

void EventClient::WorkElsewhere(Output& output) { job_ = shared_.offload->Start(output.TakeWork(), *this); }

bool EventClient::ReadElsewhere(const Output& output) {
  if (shared_.offload == nullptr || std::exchange(has_read_, false)) return false;
  job_ = shared_.offload->ReadAhead(output, *this);
  has_read_ = job_ != nullptr;
  return has_read_;
}

bool EventClient::TakeResult(Output& output) {
  if (!job_->is_done()) return false;
  if (output.empty()) output = job_->TakeResult();
  job_ = nullptr;
  NoteMove();
  return true;
}

void EventClient::PauseFor(absl::Duration time) { shared_.alarms.Set(alarms().pause, time); }

void EventClient::WakeIn(absl::Duration after) { shared_.alarms.Set(alarms().wake, after); }

ConnectionAlarms& EventClient::alarms() {
  if (alarms_ == nullptr) {
    alarms_.reset(new ConnectionAlarms{.wake = Alarm([this] { OnWake(); }), .pause = Alarm([this] { OnPauseOver(); })});
  }
  return *alarms_;
}

void EventClient::WaitForTurn() {
  if (turn_.is_linked()) return;
  const timeval at_once = {0, 0};
  if (shared_.wait_for_turn.empty()) event_add(shared_.next_turn, &at_once);
  shared_.wait_for_turn.push_back(*this);
}

}  // namespace polyserve
