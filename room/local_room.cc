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

constexpr absl::string_view kNobody = "ERR 404 nobody in the room has that name";

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
    CHECK(name_.empty()) << "it has joined already";
    absl::Status status = room_.Add(*this, name);
    if (status.ok()) name_.assign(name.data(), name.size());
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
    if (name_.empty()) return;
    room_.Remove(*this);
    name_.clear();
  }

 private:
  friend class LocalRoom;
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  LocalRoom& room_;
  bool is_corked_ = false;   // For the member's own thread alone, as name_;
  bool is_unheard_ = false;  // it has said something since, for which nobody was woken.
  size_t place_ = kNowhere;
  std::string known_as_;  // name_ is for the member's own thread.
  std::string address_key_;
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
  seat.place_ = seats_.size();
  seat.known_as_.assign(name.data(), name.size());
  seats_.push_back(&seat);
  seats_by_name_[seat.known_as_] = &seat;
  for (const Message& message : history_) seat.Push(message);
  TellAllBut(&seat, MakeArrival(name));
  return absl::OkStatus();
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
}

// All seats are asked: a list of those that are due would have to be kept right when one of them leaves.
void LocalRoom::WakeListeners() {
  MutexLock lock(mutex_);
  for (LocalMember* const seat : seats_) seat->WakeIfDue();
}

void LocalRoom::SayAsAdmin(absl::string_view text) {
  const Message message = MakeSaying(admin_name_, text);
  MutexLock lock(mutex_);
  TellAllBut(nullptr, message);
  Remember(message);
}

// A member that was dropped has left already, and the others have heard so.
void LocalRoom::Remove(LocalMember& seat) {
  MutexLock lock(mutex_);
  if (seat.place_ == LocalMember::kNowhere) return;
  Drop(seat);
  TellAllBut(nullptr, MakeDeparture(seat.known_as_));
}

// Gives the message to all; a member that is cut off by it leaves, which the others hear next. All members hear the
// same messages, but for the few of PushAlone(), so what the slowest one holds contains what all others hold; only the
// places for them are counted for each. The departures are said after the walk over the seats, since saying one may cut
// off another member in turn. That ends: each such call has one seat less.
void LocalRoom::TellAllBut(const LocalMember* one, const Message& message, bool wakes) {
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
  const bool is_too_much =
      slowest != nullptr && slowest->waiting_bytes() + places * Mailbox::kBytesPerMessage > limits_.waiting_bytes;
  if (is_too_much) {
    // Also empties the mailbox, so that the memory is free at once; a Push() that fails does so itself.
    slowest->Mailbox::CutOff();
    CutOff(*slowest, departures);
  }
  for (const Message& departure : departures) TellAllBut(nullptr, departure);
}

void LocalRoom::CutOff(LocalMember& seat, std::vector<Message>& departures) {
  LOG_FLOOD(WARNING) << "a member of the room does not read its messages, and is disconnected";
  departures.push_back(MakeDeparture(seat.known_as_));
  Drop(seat);
}

// The last seat takes the dropped one's place: constant time, and the order of seats means nothing. The name is free
// from here on, even if the member was cut off and does not know it yet.
void LocalRoom::Drop(LocalMember& seat) {
  seat.WakeIfDue();  // WakeListeners() does not find it any more.
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
      return Unban(command);
    case RoomCommand::Kind::kBans:
      return Bans();
  }
  return {};
}

// Not answered if it is on its way, as a text for all is not.
LocalRoom::Lines LocalRoom::SayTo(const RoomCommand& command, absl::string_view by) {
  LocalMember* const to = Find(command.target);
  if (to == nullptr) return {std::string(kNobody)};
  if (PushAlone(*to, MakePrivateSaying(by, to->known_as_, command.text))) return {};
  return {absl::StrCat("ERR 503 '", to->known_as_, "' does not read; try again later")};
}

LocalRoom::Lines LocalRoom::Kick(const RoomCommand& command, absl::string_view by) {
  LocalMember* const seat = Find(command.target);
  if (seat == nullptr) return {std::string(kNobody)};
  return {PutOut(*seat, absl::StrCat("kicked by ", by, BecauseOf(command.text)))};
}

// Members that the ban meets are looked for one by one, since each departure may cut off others.
LocalRoom::Lines LocalRoom::Ban(const RoomCommand& command, absl::string_view by) {
  const BanTarget target = TargetOf(command.target);
  if (target.key.empty()) return {absl::StrCat("ERR 400 ", target.shown)};
  const absl::Time now = SteadyNow();
  const absl::Status added = bans_.Add(target.key, target.shown, now + absl::Minutes(command.minutes), now);
  if (!added.ok()) return {absl::StrCat("ERR 507 ", added.message())};
  const std::string length = Minutes(command.minutes);
  Lines lines = {absl::StrCat(target.shown, " is banned for ", length)};
  while (LocalMember* const seat = FindBanned(target)) {
    lines.push_back(PutOut(*seat, absl::StrCat("banned by ", by, " for ", length, BecauseOf(command.text))));
  }
  return lines;
}

LocalRoom::Lines LocalRoom::Unban(const RoomCommand& command) {
  const BanTarget target = TargetOf(command.target);
  if (target.key.empty() || !bans_.Remove(target.key, SteadyNow())) return {"ERR 404 there is no such ban"};
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
std::string LocalRoom::PutOut(LocalMember& seat, std::string why) {
  std::string line =
      absl::StrCat("'", seat.known_as_, "' (", seat.address_.empty() ? "-" : seat.address_, ") was ", why);
  const Message departure = MakeDeparture(seat.known_as_);
  Drop(seat);
  seat.Evict(std::move(why));
  TellAllBut(nullptr, departure);
  return line;
}

bool LocalRoom::PushAlone(LocalMember& seat, const Message& message) {
  return seat.waiting_bytes() <= kMaxWaitingForLoneMessage && seat.Push(message);
}

}  // namespace polyserve
