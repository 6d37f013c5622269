#include "room/local_room.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/logging.h"

namespace polyserve {

namespace {

constexpr absl::string_view kOutOfReach =
    "ERR 503 nobody on this server has that name, and the others cannot be reached";
// What a member hears that joins while the link is down.
constexpr absl::string_view kAlone =
    "the other servers of this room cannot be reached; only this server's members hear you";

// The time of bans: setting the system's clock changes no ban.
absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

std::string Minutes(int count) { return absl::StrCat(count, " minute", count == 1 ? "" : "s"); }

// Behind what has happened to a member.
std::string BecauseOf(absl::string_view why) { return why.empty() ? "" : absl::StrCat(": ", why); }

}  // namespace

// Its place among the seats, and whether it has one, are guarded by the room's lock: the room may drop it at any time,
// on the thread of another member. name_ stays until the member's own thread leaves, so its session sees no change
// meanwhile.
class LocalRoom::LocalMember : public Member {
 public:
  explicit LocalMember(LocalRoom& room) : Member(room.limits_), room_(room) {}
  ~LocalMember() override { Leave(); }

  absl::Status Join(absl::string_view name) override {
    CHECK(name_.empty() && !is_claiming_) << "it has joined already";
    absl::Status status = room_.Add(*this, name);
    if (status.ok() && !is_claiming_) name_.assign(name.data(), name.size());
    return status;
  }

  void Say(absl::string_view text) override { room_.Say(*this, text); }

  void Execute(absl::string_view text) override { room_.Execute(*this, text); }

  void Cork() override { is_corked_ = true; }

  void Uncork() override {
    is_corked_ = false;
    if (std::exchange(is_unheard_, false)) room_.WakeListeners();
  }

  void Leave() override {
    if (name_.empty() && !is_claiming_) return;
    room_.Remove(*this);
    name_.clear();
    is_claiming_ = false;
  }

  bool awaits_answer() const override { return is_claiming_; }

  std::optional<absl::Status> PollAnswer() override {
    if (!is_claiming_) return absl::OkStatus();
    std::optional<absl::Status> answer = room_.FinishJoin(*this);
    if (!answer.has_value()) return std::nullopt;
    is_claiming_ = false;
    if (answer->ok()) name_ = known_as_;
    return answer;
  }

 private:
  friend class LocalRoom;
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  // With the room's lock held. It has no stream that could have room, so this only wakes a driver that waits (the hub).
  void TakeClaimAnswer(bool is_granted) {
    claim_answer_ = is_granted;
    NoteRoom();
  }

  LocalRoom& room_;
  bool is_corked_ = false;   // For the member's own thread alone, as name_;
  bool is_unheard_ = false;  // it has said something since, for which nobody was woken.
  size_t place_ = kNowhere;
  std::string known_as_;  // name_ is for the member's own thread.
  std::string address_key_;
  bool is_claiming_ = false;  // For the member's own thread: the name was asked for (RoomLink::Claim()).
  // If the room has a link. Guarded by the room's lock.
  std::string key_;                   // Of known_as_.
  int64_t claim_ = 0;                 // While is_claiming_.
  std::optional<bool> claim_answer_;  // To that.
};

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

void LocalRoom::Sit(LocalMember& seat) {
  seat.place_ = seats_.size();
  seats_.push_back(&seat);
  seats_by_name_[seat.known_as_] = &seat;
  for (const Message& message : history_) seat.Push(message);
  TellAllBut(&seat, MakeArrival(seat.known_as_));
  PassOn(RoomEvent::Kind::kArrive, seat.known_as_);
  if (link_ != nullptr && !link_->is_up()) PushAlone(seat, FromAdmin(kAlone));
}

// In the member's own thread, so that it sits down when its session takes the answer: no mail comes before that.
std::optional<absl::Status> LocalRoom::FinishJoin(LocalMember& seat) {
  MutexLock lock(mutex_);
  if (!seat.claim_answer_.has_value()) return std::nullopt;
  const bool is_granted = *std::exchange(seat.claim_answer_, std::nullopt);
  seat.claim_ = 0;
  absl::Status status = is_granted ? CheckBans(seat, seat.known_as_) : NameIsTaken();
  if (status.ok()) return Sit(seat), status;
  names_.Release(seat.known_as_);
  if (is_granted && link_ != nullptr) link_->Release(seat.key_);
  return status;
}

// The line is made before the lock is taken; within it there is only the pushing. The name is read without the lock:
// only the member's own thread, which is this one, changes it.
void LocalRoom::Say(LocalMember& seat, absl::string_view text) {
  if (seat.name().empty()) return;
  const Message message = MakeSaying(seat.name(), text);
  MutexLock lock(mutex_);
  if (seat.place_ == LocalMember::kNowhere) return;
  TellAllBut(&seat, message, !seat.is_corked_);
  Remember(message);
  seat.is_unheard_ = seat.is_corked_;
  PassOn(RoomEvent::Kind::kSay, seat.known_as_, text);
}

// All seats are asked: a list of those that are due would have to be kept right when one of them leaves.
void LocalRoom::WakeListeners() {
  MutexLock lock(mutex_);
  for (LocalMember* const seat : seats_) seat->WakeIfDue();
}

void LocalRoom::SayAsAdmin(absl::string_view text) {
  const Message message = FromAdmin(text);
  MutexLock lock(mutex_);
  TellAllBut(nullptr, message);
  Remember(message);
  PassOn(RoomEvent::Kind::kSay, admin_name_, text);
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
// from here on, even if the member was cut off and does not know it yet. The other servers hear of it before they can
// hear that the name is another's.
void LocalRoom::Drop(LocalMember& seat, bool is_told) {
  seat.WakeIfDue();  // WakeListeners() does not find it any more.
  if (is_told) PassOn(RoomEvent::Kind::kDepart, seat.known_as_);
  if (link_ != nullptr) link_->Release(seat.key_);
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

void LocalRoom::TakeOperatorLine(absl::string_view line) {
  const absl::StatusOr<RoomCommand> command = ParseRoomCommand(line);
  if (command.ok() && command->kind == RoomCommand::Kind::kSay) return SayAsAdmin(line);
  Lines answers;
  if (command.ok()) {
    MutexLock lock(mutex_);
    answers = Perform(*command, admin_name_);
  } else {
    answers = {absl::StrCat("ERR 400 ", command.status().message())};
  }
  for (const std::string& answer : answers) LOG(INFO) << "the room answers its operator: " << answer;
}

// Nothing is answered to a member that has put out itself.
void LocalRoom::Execute(LocalMember& seat, absl::string_view text) {
  const absl::StatusOr<RoomCommand> command = ParseRoomCommand(text);
  if (command.ok() && command->kind == RoomCommand::Kind::kSay) return Say(seat, text);
  Lines answers;
  {
    MutexLock lock(mutex_);
    if (seat.place_ == LocalMember::kNowhere) return;
    if (command.ok()) answers = Perform(*command, seat.known_as_);
    if (!command.ok()) answers = {absl::StrCat("ERR 400 ", command.status().message())};
    for (const std::string& answer : answers) {
      if (seat.place_ != LocalMember::kNowhere) PushAlone(seat, MakeAnswer(answer));
    }
  }
  if (!command.ok() || !command->is_moderation() || command->kind == RoomCommand::Kind::kBans) return;
  for (const std::string& answer : answers) LOG_FLOOD(INFO) << "the room answers '" << seat.name() << "': " << answer;
}

LocalRoom::Lines LocalRoom::Perform(const RoomCommand& command, absl::string_view by) {
  switch (command.kind) {
    case RoomCommand::Kind::kSay:
      break;
    case RoomCommand::Kind::kTo:
      return SayTo(command, by);
    case RoomCommand::Kind::kKick:
      return Kick(command, by);
    case RoomCommand::Kind::kBan:
      return Ban(command, by);
    case RoomCommand::Kind::kUnban:
      return Unban(command, by);
    case RoomCommand::Kind::kBans:
      return Bans();
  }
  return {};
}

// Not answered if it is on its way, as a text for all is not.
LocalRoom::Lines LocalRoom::SayTo(const RoomCommand& command, absl::string_view by) {
  LocalMember* const to = Find(command.target);
  if (to == nullptr) return PassToOwner(command, by, "");
  if (PushAlone(*to, MakePrivateSaying(by, to->known_as_, command.text))) return {};
  return {absl::StrCat("ERR 503 '", to->known_as_, "' does not read; try again later")};
}

LocalRoom::Lines LocalRoom::Kick(const RoomCommand& command, absl::string_view by) {
  LocalMember* const seat = Find(command.target);
  const std::string why = absl::StrCat("kicked by ", by, BecauseOf(command.text));
  if (seat != nullptr) return {PutOut(*seat, why)};
  return PassToOwner(command, by, absl::StrCat("'", command.target, "' (on another server) was ", why));
}

// Members that the ban meets are looked for one by one, since each departure may cut off others.
LocalRoom::Lines LocalRoom::Ban(const RoomCommand& command, absl::string_view by) {
  const BanTarget target = TargetOf(command.target);
  if (target.key.empty()) return {absl::StrCat("ERR 400 ", target.shown)};
  const absl::Time now = SteadyNow();
  const absl::Status added = bans_.Add(target.key, target.shown, now + absl::Minutes(command.minutes), now);
  if (!added.ok()) return {absl::StrCat("ERR 507 ", added.message())};
  if (link_ != nullptr && !is_hearing_) {
    PassOn(RoomEvent::Kind::kCommand, by, command.line);
    link_->KeepBan(target.key, std::string(command.target), command.minutes);
  }
  const std::string length = Minutes(command.minutes);
  Lines lines = {absl::StrCat(target.shown, " is banned for ", length)};
  while (LocalMember* const seat = FindBanned(target)) {
    lines.push_back(PutOut(*seat, absl::StrCat("banned by ", by, " for ", length, BecauseOf(command.text))));
  }
  return lines;
}

LocalRoom::Lines LocalRoom::Unban(const RoomCommand& command, absl::string_view by) {
  const BanTarget target = TargetOf(command.target);
  if (target.key.empty() || !bans_.Remove(target.key, SteadyNow())) return {"ERR 404 there is no such ban"};
  if (link_ != nullptr && !is_hearing_) {
    PassOn(RoomEvent::Kind::kCommand, by, command.line);
    link_->ForgetBan(target.key);
  }
  return {absl::StrCat(target.shown, " is not banned any more")};
}

LocalRoom::Lines LocalRoom::Bans() const {
  Lines lines = bans_.List(SteadyNow());
  if (lines.empty()) lines.emplace_back("there are no bans");
  return lines;
}

absl::Status LocalRoom::CheckBans(const LocalMember& seat, absl::string_view name) const {
  if (bans_.empty()) return absl::OkStatus();
  const absl::Time now = SteadyNow();
  // No ban has an empty key, as an unknown address would have.
  const absl::Duration left =
      std::max(bans_.Left(NameBanKey(NameRegistry::KeyOf(name)), now), bans_.Left(seat.address_key_, now));
  if (left == absl::ZeroDuration()) return absl::OkStatus();
  return IsBanned(absl::StrCat("banned from the room for ", MinutesLeft(left)));
}

// A key that is empty means that it is neither; `shown` then says why.
LocalRoom::BanTarget LocalRoom::TargetOf(absl::string_view name_or_address) const {
  std::string key = AddressBanKey(name_or_address);
  if (!key.empty()) return {std::move(key), std::string(name_or_address.substr(0, name_or_address.find('%'))), ""};
  if (const absl::Status status = CheckMemberName(name_or_address); !status.ok()) {
    return {"", std::string(status.message()), ""};
  }
  return {NameBanKey(NameRegistry::KeyOf(name_or_address)), absl::StrCat("'", name_or_address, "'"),
          std::string(name_or_address)};
}

LocalRoom::LocalMember* LocalRoom::Find(absl::string_view name) {
  const auto seat = seats_by_name_.find(names_.Find(name));
  return seat == seats_by_name_.end() ? nullptr : seat->second;
}

LocalRoom::LocalMember* LocalRoom::FindBanned(const BanTarget& target) {
  if (!target.name.empty()) return Find(target.name);
  const auto seat = std::find_if(seats_.begin(), seats_.end(),
                                 [&target](const LocalMember* one) { return one->address_key_ == target.key; });
  return seat == seats_.end() ? nullptr : *seat;
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

// A command that has come from another server is for a member that has left meanwhile.
LocalRoom::Lines LocalRoom::PassToOwner(const RoomCommand& command, absl::string_view by, std::string done) {
  if (is_hearing_) return {};
  if (link_ == nullptr || !CheckMemberName(command.target).ok()) return {std::string(kNobodyHasThatName)};
  if (!link_->is_up()) return {std::string(kOutOfReach)};
  link_->PassToOwner(NameRegistry::KeyOf(command.target),
                     {RoomEvent::Kind::kCommand, std::string(by), std::string(command.line)}, std::string(by),
                     std::move(done));
  return {};
}

bool LocalRoom::PushAlone(LocalMember& seat, const Message& message) {
  return seat.waiting_bytes() <= kMaxWaitingForLoneMessage && seat.Push(message);
}

// Without a link, no claim is ever answered: then those that wait have their names.
void LocalRoom::SetLink(RoomLink* link) {
  MutexLock lock(mutex_);
  link_ = link;
  if (link != nullptr) return;
  for (const auto& [claim, seat] : claims_) {
    seat->TakeClaimAnswer(true);
  }
  claims_.clear();
}

size_t LocalRoom::Hear(const RoomEvent& event) {
  const bool has_text = event.kind == RoomEvent::Kind::kSay || event.kind == RoomEvent::Kind::kCommand;
  if (!CheckMemberName(event.from).ok() || (has_text && !CheckText(event.text).ok())) return 0;
  if (event.kind == RoomEvent::Kind::kCommand) return HearCommand(event), 0;
  const Message message = event.kind == RoomEvent::Kind::kSay      ? MakeSaying(event.from, event.text)
                          : event.kind == RoomEvent::Kind::kArrive ? MakeArrival(event.from)
                                                                   : MakeDeparture(event.from);
  MutexLock lock(mutex_);
  if (event.kind == RoomEvent::Kind::kSay) Remember(message);
  return TellAllBut(nullptr, message);
}

// The other server has looked whether its member may do that, and answers it.
void LocalRoom::HearCommand(const RoomEvent& event) {
  const absl::StatusOr<RoomCommand> command = ParseRoomCommand(event.text);
  if (!command.ok() || command->kind == RoomCommand::Kind::kSay || command->kind == RoomCommand::Kind::kBans) return;
  Lines answers;
  {
    MutexLock lock(mutex_);
    is_hearing_ = true;
    answers = Perform(*command, event.from);
    is_hearing_ = false;
  }
  if (!command->is_moderation()) return;
  for (const std::string& answer : answers) LOG_FLOOD(INFO) << "the room obeys another server: " << answer;
}

void LocalRoom::Recall(const RoomEvent& event) {
  if (event.kind != RoomEvent::Kind::kSay || !CheckMemberName(event.from).ok() || !CheckText(event.text).ok()) return;
  MutexLock lock(mutex_);
  Remember(MakeSaying(event.from, event.text));
}

void LocalRoom::AnswerClaim(int64_t claim, bool is_granted) {
  MutexLock lock(mutex_);
  const auto waiting = claims_.find(claim);
  if (waiting == claims_.end()) return;
  waiting->second->TakeClaimAnswer(is_granted);
  claims_.erase(waiting);
}

// On the other servers that name stays, so they are not told that it has left.
void LocalRoom::TakeAway(absl::string_view name) {
  MutexLock lock(mutex_);
  const auto seat = seats_by_name_.find(name);
  if (seat == seats_by_name_.end()) return;
  const std::string line = PutOut(*seat->second, "put out: a member of another server has the name", false);
  LOG_FLOOD(INFO) << line;
}

void LocalRoom::AddBan(absl::string_view target, absl::Duration length) {
  MutexLock lock(mutex_);
  const BanTarget banned = TargetOf(target);
  const absl::Time now = SteadyNow();
  if (!banned.key.empty()) bans_.Add(banned.key, banned.shown, now + length, now).IgnoreError();
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
