#include "backends/pool/waiting_room.h"

#include <algorithm>

#include "backends/accept/connection_limit.h"
#include "net/signals.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<WaitingRoom>> WaitingRoom::Create(const ServerContext& context,
                                                                 const OverloadOptions& options, int also) {
  absl::StatusOr<std::unique_ptr<Refuser>> refuser = Refuser::Create(also);
  if (!refuser.ok()) return refuser.status();
  return std::unique_ptr<WaitingRoom>(new WaitingRoom(context, options, *std::move(refuser)));
}

WaitingRoom::WaitingRoom(const ServerContext& context, const OverloadOptions& options, std::unique_ptr<Refuser> refuser)
    : context_(context), line_(options, context.statistics.queue()), refuser_(std::move(refuser)) {}

void WaitingRoom::Enter(Connection client) {
  std::optional<Connection> refused = line_.Add(std::move(client), QueueDiscipline::Clock::now());
  if (refused.has_value()) Refuse(*std::move(refused), &QueueCounters::refused);
}

std::optional<Connection> WaitingRoom::Next() {
  while (true) {
    std::optional<WaitingLine<Connection>::Taken> next = line_.Take(QueueDiscipline::Clock::now());
    if (!next.has_value()) return std::nullopt;
    if (!next->is_overdue) return std::move(next->one);
    Refuse(std::move(next->one), &QueueCounters::dropped);
  }
}

absl::Duration WaitingRoom::UntilNextLook() const {
  const absl::Duration until_overdue =
      Signals::stopping() ? absl::InfiniteDuration() : line_.UntilOverdue(QueueDiscipline::Clock::now());
  return std::max(std::min(until_overdue, refuser_->UntilEnd()), absl::ZeroDuration());
}

void WaitingRoom::Attend() {
  refuser_->Attend();
  while (!Signals::stopping()) {
    std::optional<Connection> overdue = line_.TakeOverdue(QueueDiscipline::Clock::now());
    if (!overdue.has_value()) return;
    Refuse(*std::move(overdue), &QueueCounters::dropped);
  }
}

void WaitingRoom::CloseInChild() {
  line_.Clear();
  refuser_->CloseInChild();
}

// It was counted as accepted, and so has ended, too: a count of what was accepted must not fall.
void WaitingRoom::Refuse(Connection client, std::atomic<int64_t> QueueCounters::*as) {
  Counters::Add(context_.statistics.queue().*as, 1);
  Counters& counters = OfService(context_.statistics.counters(), client.listener->number);
  Counters::Add(counters.refused, 1);
  CountEnd(counters, context_.connection_limit.get());
  refuser_->Refuse(std::move(client), context_);
}

}  // namespace polyserve
