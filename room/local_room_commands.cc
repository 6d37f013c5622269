// What a LocalRoom does on commands (room/room_command.h): those of its own members, of the operator, and of members of
// other servers.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "room/local_member.h"
#include "room/local_room.h"

namespace polyserve {

namespace {

constexpr absl::string_view kOutOfReach =
    "ERR 503 nobody on this server has that name, and the others cannot be reached";
constexpr absl::string_view kTooMuchWaits =
    "ERR 503 nobody on this server has that name, and too much waits for the others; try again later";

// The time of bans: setting the system's clock changes no ban.
absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

std::string Minutes(int count) { return absl::StrCat(count, " minute", count == 1 ? "" : "s"); }

// Behind what has happened to a member.
std::string BecauseOf(absl::string_view why) { return why.empty() ? "" : absl::StrCat(": ", why); }

}  // namespace

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

// A command that has come from another server is for a member that has left meanwhile.
LocalRoom::Lines LocalRoom::PassToOwner(const RoomCommand& command, absl::string_view by, std::string done) {
  if (is_hearing_) return {};
  if (link_ == nullptr || !CheckMemberName(command.target).ok()) return {std::string(kNobodyHasThatName)};
  if (!link_->is_up()) return {std::string(kOutOfReach)};
  RoomEvent event = {RoomEvent::Kind::kCommand, std::string(by), std::string(command.line)};
  const bool is_passed =
      link_->PassToOwner(NameRegistry::KeyOf(command.target), std::move(event), std::string(by), std::move(done));
  return is_passed ? Lines() : Lines{std::string(kTooMuchWaits)};
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

void LocalRoom::AddBan(absl::string_view target, absl::Duration length) {
  MutexLock lock(mutex_);
  const BanTarget banned = TargetOf(target);
  const absl::Time now = SteadyNow();
  if (!banned.key.empty()) bans_.Add(banned.key, banned.shown, now + length, now).IgnoreError();
}

}  // namespace polyserve
