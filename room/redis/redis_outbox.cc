#include "room/redis/redis_outbox.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "room/redis/redis_scripts.h"

namespace polyserve {

namespace {

constexpr size_t kBytesPerOp = 256;             // What one costs beside its texts, about.
constexpr size_t kMaxUnsentBytes = 256 * 1024;  // What a connection is given beyond what the system has taken.
constexpr size_t kNamesPerClaim = 256;          // A script for more would keep Redis from others for too long.

constexpr int64_t kWasBuried = 1;  // An answer of kRefreshScript.

constexpr absl::string_view kOutOfReach = "ERR 503 the other servers cannot be reached; it may be lost";

}  // namespace

bool RedisOutbox::is_up() const {
  MutexLock lock(mutex_);
  return is_up_;
}

size_t RedisOutbox::SizeOf(const Op& op) {
  switch (op.kind) {
    case Op::Kind::kEvent:
    case Op::Kind::kToOwner:
    case Op::Kind::kKeepBan:
    case Op::Kind::kForgetBan:
      return op.event.from.size() + op.event.text.size() + op.key.size() + op.text.size() + op.done.size() +
             kBytesPerOp;
    case Op::Kind::kRefresh:
    case Op::Kind::kLoadBans:
    case Op::Kind::kClaim:
    case Op::Kind::kRelease:
    case Op::Kind::kDepart:
    case Op::Kind::kGoodbye:
      break;
  }
  return 0;
}

bool RedisOutbox::Admit(Op op, size_t reserve) {
  const size_t size = SizeOf(op);
  if (waiting_bytes_ + size > options_.waiting_bytes + reserve) return false;
  waiting_bytes_ += size;
  Add(std::move(op));
  return true;
}

// The newest are lost: what was said first stays whole. One that is lost has a number as well, by which the others see
// that it is missing.
void RedisOutbox::AddEvent(RoomEvent event) {
  if (!Admit({.kind = Op::Kind::kEvent, .event = std::move(event), .number = ++last_number_})) ++lost_;
}

// As long as something is unsent, the link comes back to it by itself.
void RedisOutbox::Add(Op op) {
  const bool was_all_sent = sent_ == ops_.size();
  ops_.push_back(std::move(op));
  if (was_all_sent) wake_();
}

void RedisOutbox::Pass(RoomEvent event) {
  MutexLock lock(mutex_);
  AddEvent(std::move(event));
}

// It has no number: it is not sent again.
bool RedisOutbox::PassToOwner(std::string key, RoomEvent event, std::string asker, std::string done) {
  MutexLock lock(mutex_);
  return Admit({.kind = Op::Kind::kToOwner,
                .event = std::move(event),
                .key = std::move(key),
                .text = std::move(asker),
                .done = std::move(done)});
}

// Without room for it, servers that start later do not know of it. The command itself, before it, is an event.
void RedisOutbox::KeepBan(std::string key, std::string target, int minutes) {
  MutexLock lock(mutex_);
  AddOfBan({.kind = Op::Kind::kKeepBan, .key = std::move(key), .text = std::move(target), .minutes = minutes}, 0);
}

// One that is lost would give the ban back, also to this server, when the link comes up: so it finds room where what
// was said does not.
void RedisOutbox::ForgetBan(std::string key) {
  MutexLock lock(mutex_);
  AddOfBan({.kind = Op::Kind::kForgetBan, .key = std::move(key)}, options_.waiting_bytes);
}

// What was said of the same ban before, and was not sent yet, is void: so there is one for each ban, however often it
// is made and lifted.
void RedisOutbox::AddOfBan(Op op, size_t reserve) {
  const auto is_of_this_ban = [&op](const Op& other) {
    return (other.kind == Op::Kind::kKeepBan || other.kind == Op::Kind::kForgetBan) && other.key == op.key;
  };
  const auto unsent = ops_.begin() + static_cast<std::ptrdiff_t>(sent_);
  const auto before = std::find_if(unsent, ops_.end(), is_of_this_ban);
  if (before == ops_.end()) {
    Admit(std::move(op), reserve);
    return;
  }
  waiting_bytes_ += SizeOf(op);
  waiting_bytes_ -= SizeOf(*before);
  *before = std::move(op);
}

int64_t RedisOutbox::Claim(const std::string& key, absl::string_view name) {
  MutexLock lock(mutex_);
  Name& claimed = names_[key];
  claimed = {.name = std::string(name)};
  if (!is_up_) return 0;
  claimed.claim = ++last_claim_;
  Add({.kind = Op::Kind::kClaim, .names = {{key, claimed.name, claimed.claim, false}}});
  return claimed.claim;
}

// A name that Redis was never asked for need not be given back there.
bool RedisOutbox::Forget(const std::string& key) {
  const auto held = names_.find(key);
  if (held == names_.end()) return false;
  const bool was_asked_for = held->second.claim != 0;
  names_.erase(held);
  return was_asked_for;
}

void RedisOutbox::Release(const std::string& key) {
  MutexLock lock(mutex_);
  if (Forget(key)) Add({.kind = Op::Kind::kRelease, .key = key});
}

// As one command, since the link may send what is there, and then die, at any moment: if the others knew of the
// departure only, the name would be taken until the lease ends, and then they would hear of the departure again.
void RedisOutbox::Depart(const std::string& key, absl::string_view name) {
  MutexLock lock(mutex_);
  RoomEvent departure = {RoomEvent::Kind::kDepart, std::string(name)};
  if (Forget(key)) {
    AddDeparture(key, std::move(departure));
  } else {
    AddEvent(std::move(departure));
  }
}

void RedisOutbox::AddDeparture(const std::string& key, RoomEvent departure) {
  Add({.kind = Op::Kind::kDepart, .event = std::move(departure), .number = ++last_number_, .key = key});
}

// The lease comes first, since without it the names would be buried. What has waited comes before the claims: among it
// may be names that were given back, and have been taken by another member since.
void RedisOutbox::Connect() {
  MutexLock lock(mutex_);
  sent_ = 0;
  ops_.push_front({.kind = Op::Kind::kRefresh, .text = is_fresh_ ? "fresh" : ""});
  Add({.kind = Op::Kind::kLoadBans});
  if (!AddClaims()) ops_.back().is_last = true;
  is_up_ = true;
}

// While the link is up, a name that is not confirmed has its claim in the queue already, behind the refresh that has
// shown that names are to be claimed.
bool RedisOutbox::AddClaims() {
  std::vector<std::vector<Claimed>> batches;
  for (auto& [key, held] : names_) {
    if (is_up_ && !held.is_confirmed) continue;
    if (batches.empty() || batches.back().size() == kNamesPerClaim) batches.emplace_back();
    held.claim = ++last_claim_;
    batches.back().push_back({key, held.name, held.claim, true});
  }
  for (std::vector<Claimed>& batch : batches) {
    const bool is_last = &batch == &batches.back();
    Add({.kind = Op::Kind::kClaim, .names = std::move(batch), .is_last = is_last});
  }
  return !batches.empty();
}

RedisOutbox::Effects RedisOutbox::Disconnect() {
  Effects effects;
  MutexLock lock(mutex_);
  is_up_ = false;
  sent_ = 0;
  std::deque<Op> kept;
  for (Op& op : ops_) {
    switch (op.kind) {
      case Op::Kind::kEvent:
      case Op::Kind::kKeepBan:
      case Op::Kind::kForgetBan:
      case Op::Kind::kRelease:
      case Op::Kind::kDepart:
        kept.push_back(std::move(op));
        break;
      case Op::Kind::kToOwner:
        waiting_bytes_ -= SizeOf(op);
        effects.answers.emplace_back(std::move(op.text), std::string(kOutOfReach));
        break;
      case Op::Kind::kClaim:
        for (const Claimed& one : op.names) effects.claims.emplace_back(one.claim, true);
        break;
      case Op::Kind::kRefresh:
      case Op::Kind::kLoadBans:
      case Op::Kind::kGoodbye:
        break;
    }
  }
  ops_ = std::move(kept);
  return effects;
}

void RedisOutbox::Refresh(bool buries) {
  MutexLock lock(mutex_);
  Add({.kind = Op::Kind::kRefresh, .text = buries ? "bury" : "renew"});
}

void RedisOutbox::SayGoodbye() {
  MutexLock lock(mutex_);
  for (const auto& [key, held] : names_) AddDeparture(key, {RoomEvent::Kind::kDepart, held.name});
  names_.clear();
  Add({.kind = Op::Kind::kGoodbye});
}

// The first refresh of this process goes alone: if the connection breaks before the answer, it is repeated, and must
// not meet a name, or an arrival, of this process then.
bool RedisOutbox::SendTo(RedisConnection& connection) {
  MutexLock lock(mutex_);
  const size_t before = sent_;
  const size_t end = is_fresh_ ? std::min(ops_.size(), size_t{1}) : ops_.size();
  while (sent_ < end && connection.unsent() < kMaxUnsentBytes) Send(ops_[sent_++], connection);
  return sent_ > before;
}

void RedisOutbox::Send(const Op& op, RedisConnection& connection) const {
  const std::string length = absl::StrCat(options_.stream_length);
  const std::string number = absl::StrCat(op.number);
  const std::string kind(1, static_cast<char>(op.event.kind));
  std::vector<absl::string_view> words;
  std::string milliseconds;
  const auto eval = [&](absl::string_view script) {
    words = {"EVAL", script, "5"};
    words.insert(words.end(), std::begin(kRedisKeys), std::end(kRedisKeys));
    words.emplace_back(options_.server);
    words.emplace_back(length);
  };
  switch (op.kind) {
    case Op::Kind::kRefresh:
      milliseconds = absl::StrCat(absl::ToInt64Milliseconds(options_.expiry));
      eval(kRefreshScript);
      words.insert(words.end(), {milliseconds, op.text});
      break;
    case Op::Kind::kEvent:
      words = {"XADD", kRedisStream, "MAXLEN", "~",  length, "*",           "o", options_.origin,
               "n",    number,       "k",      kind, "f",    op.event.from, "t", op.event.text};
      break;
    case Op::Kind::kToOwner:
      eval(kPassToOwnerScript);
      words.insert(words.end(), {op.key, options_.origin, number, kind, op.event.from, op.event.text});
      break;
    case Op::Kind::kKeepBan:
      milliseconds = absl::StrCat(absl::ToInt64Milliseconds(absl::Minutes(op.minutes)));
      eval(kKeepBanScript);
      words.insert(words.end(), {op.key, op.text, milliseconds});
      break;
    case Op::Kind::kForgetBan:
      words = {"HDEL", kRedisKeys[4], op.key};
      break;
    case Op::Kind::kLoadBans:
      eval(kLoadBansScript);
      break;
    case Op::Kind::kClaim:
      eval(kClaimScript);
      for (const Claimed& one : op.names) words.insert(words.end(), {one.key, one.name});
      break;
    case Op::Kind::kRelease:
      eval(kReleaseScript);
      words.emplace_back(op.key);
      break;
    case Op::Kind::kDepart:
      eval(kDepartScript);
      words.insert(words.end(), {op.key, options_.origin, number, kind, op.event.from, op.event.text});
      break;
    case Op::Kind::kGoodbye:
      eval(kGoodbyeScript);
      break;
  }
  connection.Send(words);
}

absl::Status RedisOutbox::TakeReply(const RedisReply& reply, Effects& effects) {
  if (reply.is_error()) return absl::UnavailableError(reply.text);
  MutexLock lock(mutex_);
  if (sent_ == 0) return absl::InvalidArgumentError("an answer to nothing");
  const Op op = std::move(ops_.front());
  ops_.pop_front();
  --sent_;
  waiting_bytes_ -= SizeOf(op);
  switch (op.kind) {
    case Op::Kind::kRefresh:
      is_fresh_ = false;
      was_buried_ = was_buried_ || reply.integer == kWasBuried;
      // At the start of a connection, claims follow anyhow.
      if (reply.integer == 0 || (op.text != "bury" && op.text != "renew")) break;
      if (!AddClaims()) was_buried_ = false;
      break;
    case Op::Kind::kToOwner:
      if (reply.integer == 0) effects.answers.emplace_back(op.text, std::string(kNobodyHasThatName));
      if (reply.integer != 0 && !op.done.empty()) effects.answers.emplace_back(op.text, op.done);
      break;
    case Op::Kind::kLoadBans:
      for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
        effects.bans.emplace_back(reply.items[i].text, absl::Milliseconds(reply.items[i + 1].integer));
      }
      break;
    case Op::Kind::kClaim:
      if (reply.items.size() != op.names.size()) return absl::InvalidArgumentError("a malformed answer to a claim");
      TakeClaims(op, reply, effects);
      break;
    case Op::Kind::kEvent:
    case Op::Kind::kKeepBan:
    case Op::Kind::kForgetBan:
    case Op::Kind::kRelease:
    case Op::Kind::kDepart:
    case Op::Kind::kGoodbye:
      break;
  }
  if (!op.is_last) return absl::OkStatus();
  effects.is_settled = true;
  was_buried_ = false;
  return absl::OkStatus();
}

// A name that was given back meanwhile, and perhaps taken by another member, is no concern of this answer: what has
// become of it is behind it in the queue. If the others were told that this server has died, they hear that its members
// are there again.
void RedisOutbox::TakeClaims(const Op& op, const RedisReply& reply, Effects& effects) {
  for (size_t i = 0; i < op.names.size(); ++i) {
    const Claimed& one = op.names[i];
    const bool is_granted = reply.items[i].integer != 0;
    const bool was_free = reply.items[i].integer == 1;
    effects.claims.emplace_back(one.claim, is_granted);
    const auto held = names_.find(one.key);
    if (held == names_.end() || held->second.claim != one.claim) continue;
    if (!is_granted) {
      if (one.is_again) effects.taken.push_back(one.name);
      names_.erase(held);
      continue;
    }
    const bool was_told = std::exchange(held->second.is_confirmed, true);
    if (was_buried_ && was_free && was_told) AddEvent({RoomEvent::Kind::kArrive, one.name});
  }
}

bool RedisOutbox::empty() const {
  MutexLock lock(mutex_);
  return ops_.empty();
}

int64_t RedisOutbox::TakeLost() {
  MutexLock lock(mutex_);
  return std::exchange(lost_, 0);
}

}  // namespace polyserve
