#include "room/local_room.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "room/local_member.h"

namespace polyserve {

namespace {

// What a member hears that joins while the link is down.
constexpr absl::string_view kAlone =
    "the other servers of this room cannot be reached; only this server's members hear you";

}  // namespace

std::unique_ptr<Member> LocalRoom::NewMember() { return std::make_unique<LocalMember>(*this); }

// The registry, the seat and the announcement change under one hold of the lock: a member that joins hears everything
// that is said after its arrival was announced, and of what was said before only the history. That fits into any
// mailbox, since it has a quarter of the room's budget at most, and 1,000 lines.
absl::Status LocalRoom::Add(LocalMember& seat, absl::string_view name) {
  if (absl::Status status = CheckMemberName(name); !status.ok()) return status;
  seat.address_key_ = AddressBanKey(seat.address_);
  MutexLock lock(mutex_);
  if (absl::Status status = CheckBans(seat, name); !status.ok()) return status;
  if (absl::Status status = names_.Take(name); !status.ok()) return status;
  seat.known_as_.assign(name.data(), name.size());
  if (link_ != nullptr) {
    seat.key_ = NameRegistry::KeyOf(name);
    seat.claim_ = link_->Claim(seat.key_, name);
    seat.is_claiming_ = seat.claim_ != 0;
  }
  if (!seat.is_claiming_) return Sit(seat), absl::OkStatus();
  claims_[seat.claim_] = &seat;
  return absl::OkStatus();
}

// The other servers hear it first, as in Say().
void LocalRoom::Sit(LocalMember& seat) {
  seat.place_ = seats_.size();
  seats_.push_back(&seat);
  seats_by_name_[seat.known_as_] = &seat;
  for (const Message& message : history_) seat.Push(message);
  PassOn(RoomEvent::Kind::kArrive, seat.known_as_);
  TellAllBut(&seat, MakeArrival(seat.known_as_));
  if (link_ != nullptr && !link_->is_up()) PushAlone(seat, FromAdmin(kAlone));
}

// In the member's own thread, so that it sits down when its session takes the answer: no mail comes before that.
std::optional<absl::Status> LocalRoom::FinishJoin(LocalMember& seat) {
  MutexLock lock(mutex_);
  if (!seat.claim_answer_.has_value()) return std::nullopt;
  const bool is_granted = *std::exchange(seat.claim_answer_, std::nullopt);
  claims_.erase(std::exchange(seat.claim_, 0));
  absl::Status status = is_granted ? CheckBans(seat, seat.known_as_) : NameIsTaken();
  if (status.ok()) return Sit(seat), status;
  names_.Release(seat.known_as_);
  if (is_granted && link_ != nullptr) link_->Release(seat.key_);
  return status;
}

// The line is made before the lock is taken; within it there is only the pushing. The name is read without the lock:
// only the member's own thread, which is this one, changes it. It is passed on first, since it may cut off members,
// even the speaker: their departures come behind it on the other servers as well.
void LocalRoom::Say(LocalMember& seat, absl::string_view text) {
  if (seat.name().empty()) return;
  const Message message = MakeSaying(seat.name(), text);
  MutexLock lock(mutex_);
  if (seat.place_ == LocalMember::kNowhere) return;
  PassOn(RoomEvent::Kind::kSay, seat.known_as_, text);
  TellAllBut(&seat, message, !seat.is_corked_);
  Remember(message);
  seat.is_unheard_ = seat.is_corked_;
}

// All seats are asked: a list of those that are due would have to be kept right when one of them leaves.
void LocalRoom::WakeListeners() {
  MutexLock lock(mutex_);
  for (LocalMember* const seat : seats_) seat->WakeIfDue();
}

void LocalRoom::SayAsAdmin(absl::string_view text) {
  const Message message = FromAdmin(text);
  MutexLock lock(mutex_);
  PassOn(RoomEvent::Kind::kSay, admin_name_, text);
  TellAllBut(nullptr, message);
  Remember(message);
}

// A member that was dropped has left already, and the others have heard so.
void LocalRoom::Remove(LocalMember& seat) {
  MutexLock lock(mutex_);
  if (seat.claim_ != 0) {  // It has not sat down yet.
    claims_.erase(std::exchange(seat.claim_, 0));
    seat.claim_answer_.reset();
    names_.Release(seat.known_as_);
    if (link_ != nullptr) link_->Release(seat.key_);
    return;
  }
  if (seat.place_ == LocalMember::kNowhere) return;
  Drop(seat);
  TellAllBut(nullptr, MakeDeparture(seat.known_as_));
}

// Gives the message to all; a member that is cut off by it leaves, which the others hear next. All members hear the
// same messages, but for the few of PushAlone(), so what the slowest one holds contains what all others hold; only the
// places for them are counted for each. The departures are said after the walk over the seats, since saying one may cut
// off another member in turn. That ends: each such call has one seat less.
size_t LocalRoom::TellAllBut(const LocalMember* one, const Message& message, bool wakes) {
  std::vector<Message> departures;
  size_t places = 0;
  LocalMember* slowest = nullptr;
  for (size_t i = 0; i < seats_.size();) {
    LocalMember& seat = *seats_[i];
    if (&seat != one && !(wakes ? seat.Push(message) : seat.PushQuietly(message))) {
      CutOff(seat, departures);  // Another one takes its place, and has its turn now.
      continue;
    }
    places += seat.waiting_messages();
    // Drivers lower these numbers while they are read, so the sum may be a little too high; that errs on the safe side.
    if (slowest == nullptr || seat.waiting_bytes() > slowest->waiting_bytes()) slowest = &seat;
    ++i;
  }
  const size_t backlog = slowest == nullptr ? 0 : slowest->waiting_bytes();
  const bool is_too_much = slowest != nullptr && backlog + places * Mailbox::kBytesPerMessage > limits_.waiting_bytes;
  if (is_too_much) {
    // Also empties the mailbox, so that the memory is free at once; a Push() that fails does so itself.
    slowest->Mailbox::CutOff();
    CutOff(*slowest, departures);
  }
  for (const Message& departure : departures) TellAllBut(nullptr, departure);
  return backlog;
}

void LocalRoom::CutOff(LocalMember& seat, std::vector<Message>& departures) {
  LOG_FLOOD(WARNING) << "a member of the room does not read its messages, and is disconnected";
  departures.push_back(MakeDeparture(seat.known_as_));
  Drop(seat);
}

// The last seat takes the dropped one's place: constant time, and the order of seats means nothing. The name is free
// from here on, even if the member was cut off and does not know it yet.
void LocalRoom::Drop(LocalMember& seat, bool is_told) {
  seat.WakeIfDue();  // WakeListeners() does not find it any more.
  if (link_ != nullptr) is_told ? link_->Depart(seat.key_, seat.known_as_) : link_->Release(seat.key_);
  names_.Release(seat.known_as_);
  seats_by_name_.erase(seat.known_as_);
  seats_[seat.place_] = seats_.back();
  seats_[seat.place_]->place_ = seat.place_;
  seats_.pop_back();
  seat.place_ = LocalMember::kNowhere;
}

// The newest lines, within both bounds. A message is shared with the mailboxes that it is in.
void LocalRoom::Remember(const Message& message) {
  if (limits_.history_lines == 0) return;
  history_.push_back(message);
  history_bytes_ += message->size() + Mailbox::kBytesPerMessage;
  while (history_.size() > limits_.history_lines || history_bytes_ > limits_.waiting_bytes / 4) {
    history_bytes_ -= history_.front()->size() + Mailbox::kBytesPerMessage;
    history_.pop_front();
  }
}

// Its seat goes first, so that it gets nothing more. The object stays until this lock is free: its own thread has to
// take the lock to leave.
std::string LocalRoom::PutOut(LocalMember& seat, std::string why, bool is_told) {
  std::string line =
      absl::StrCat("'", seat.known_as_, "' (", seat.address_.empty() ? "-" : seat.address_, ") was ", why);
  const Message departure = MakeDeparture(seat.known_as_);
  Drop(seat, is_told);
  seat.Evict(std::move(why));
  TellAllBut(nullptr, departure);
  return line;
}

void LocalRoom::PassOn(RoomEvent::Kind kind, absl::string_view from, absl::string_view text) {
  if (link_ != nullptr) link_->Pass({kind, std::string(from), std::string(text)});
}

bool LocalRoom::PushAlone(LocalMember& seat, const Message& message) {
  return seat.waiting_bytes() <= kMaxWaitingForLoneMessage && seat.Push(message);
}

// Without a link, no claim is answered any more: then those that wait for an answer have their names.
void LocalRoom::SetLink(RoomLink* link) {
  MutexLock lock(mutex_);
  link_ = link;
  if (link != nullptr) return;
  for (const auto& [claim, seat] : claims_) {
    if (!seat->claim_answer_.has_value()) seat->TakeClaimAnswer(true);
  }
}

size_t LocalRoom::Hear(const std::vector<RoomEvent>& events) {
  size_t backlog = 0;
  for (const RoomEvent& event : events) backlog = std::max(backlog, HearQuietly(event));
  if (!events.empty()) WakeListeners();
  return backlog;
}

// The lock is taken anew for each, so that members of this server have their turn.
size_t LocalRoom::HearQuietly(const RoomEvent& event) {
  const bool has_text = event.kind == RoomEvent::Kind::kSay || event.kind == RoomEvent::Kind::kCommand;
  if (!CheckMemberName(event.from).ok() || (has_text && !CheckText(event.text).ok())) return 0;
  if (event.kind == RoomEvent::Kind::kCommand) return HearCommand(event), 0;
  const Message message = event.kind == RoomEvent::Kind::kSay      ? MakeSaying(event.from, event.text)
                          : event.kind == RoomEvent::Kind::kArrive ? MakeArrival(event.from)
                                                                   : MakeDeparture(event.from);
  MutexLock lock(mutex_);
  if (event.kind == RoomEvent::Kind::kSay) Remember(message);
  return TellAllBut(nullptr, message, false);
}

void LocalRoom::Recall(const RoomEvent& event) {
  if (event.kind != RoomEvent::Kind::kSay || !CheckMemberName(event.from).ok() || !CheckText(event.text).ok()) return;
  MutexLock lock(mutex_);
  Remember(MakeSaying(event.from, event.text));
}

void LocalRoom::AnswerClaim(int64_t claim, bool is_granted) {
  MutexLock lock(mutex_);
  const auto waiting = claims_.find(claim);
  if (waiting != claims_.end()) waiting->second->TakeClaimAnswer(is_granted);
}

// On the other servers that name stays, so they are not told that it has left. A member to which it was granted, but
// which has not sat down yet, is refused after all.
void LocalRoom::TakeAway(absl::string_view name) {
  MutexLock lock(mutex_);
  for (const auto& [claim, waiting] : claims_) {
    if (waiting->known_as_ == name) return waiting->TakeClaimAnswer(false);
  }
  const auto seat = seats_by_name_.find(name);
  if (seat == seats_by_name_.end()) return;
  const std::string line = PutOut(*seat->second, "put out: a member of another server has the name", false);
  LOG_FLOOD(INFO) << line;
}

void LocalRoom::Answer(absl::string_view asker, absl::string_view line) {
  if (asker == admin_name_) LOG(INFO) << "the room answers its operator: " << line;
  MutexLock lock(mutex_);
  const auto seat = seats_by_name_.find(asker);
  if (seat != seats_by_name_.end()) PushAlone(*seat->second, MakeAnswer(line));
}

void LocalRoom::Notify(absl::string_view text) {
  const Message message = FromAdmin(text);
  MutexLock lock(mutex_);
  TellAllBut(nullptr, message);
}

}  // namespace polyserve
