#include "room/redis/redis_inbox.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

constexpr absl::string_view kBeginning = "0-0";

absl::Status NoEntries() { return absl::InvalidArgumentError("that is no stream of a room"); }

}  // namespace

struct RedisInbox::Entry {
  Id id;
  std::string shown_id;
  std::string origin;
  int64_t number = -1;  // Below 0: the entry is malformed. 0: it has none.
  RoomEvent event;
};

absl::StatusOr<RedisInbox::Id> RedisInbox::IdOf(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('-', 1));
  Id id;
  if (!absl::SimpleAtoi(parts.first, &id.first) || !absl::SimpleAtoi(parts.second, &id.second)) return NoEntries();
  return id;
}

// [id, [field, value, ...]]. The fields are o, n, k, f, t in any order; others may come with later versions.
absl::StatusOr<RedisInbox::Entry> RedisInbox::EntryOf(const RedisReply& reply) {
  if (reply.items.size() != 2) return NoEntries();
  const absl::StatusOr<Id> id = IdOf(reply.items[0].text);
  if (!id.ok()) return id.status();
  Entry entry{.id = *id, .shown_id = reply.items[0].text, .origin = "", .number = -1, .event = {}};
  const std::vector<RedisReply>& fields = reply.items[1].items;
  int64_t number = -1;
  std::string kind;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& value = fields[i + 1].text;
    if (fields[i].text == "o") entry.origin = value;
    if (fields[i].text == "n" && !absl::SimpleAtoi(value, &number)) number = -1;
    if (fields[i].text == "k") kind = value;
    if (fields[i].text == "f") entry.event.from = value;
    if (fields[i].text == "t") entry.event.text = value;
  }
  constexpr absl::string_view kKinds = "sadc";
  if (kind.size() != 1 || kKinds.find(kind[0]) == absl::string_view::npos || entry.origin.empty()) return entry;
  entry.event.kind = static_cast<RoomEvent::Kind>(kind[0]);
  entry.number = number;
  return entry;
}

// An origin that is met for the first time may have said any number of things before.
bool RedisInbox::IsNew(const Entry& entry) {
  if (entry.number < 0 || entry.origin == server_ || entry.origin == origin_) return false;
  if (entry.number == 0) return true;
  ++entries_;
  const auto [heard, is_first] = heard_.try_emplace(entry.origin, entry.number, entries_);
  if (is_first) {
    if (heard_.size() > kMaxOrigins) {
      const auto oldest = std::min_element(
          heard_.begin(), heard_.end(), [](const auto& a, const auto& b) { return a.second.second < b.second.second; });
      heard_.erase(oldest);
    }
    return true;
  }
  auto& [last, when] = heard->second;
  when = entries_;
  if (entry.number <= last) return false;
  missing_ += entry.number - last - 1;
  last = entry.number;
  return true;
}

absl::StatusOr<std::vector<RoomEvent>> RedisInbox::TakeNewest(const RedisReply& entries) {
  if (entries.kind != RedisReply::Kind::kArray) return NoEntries();
  std::vector<RoomEvent> events;
  Id newest;
  for (size_t i = entries.items.size(); i-- > 0;) {
    absl::StatusOr<Entry> entry = EntryOf(entries.items[i]);
    if (!entry.ok()) return entry.status();
    newest = entry->id;
    if (!cursor_.empty()) continue;
    if (IsNew(*entry)) events.push_back(std::move(entry->event));
  }
  TakeMissing();
  if (cursor_.empty()) {
    cursor_ = entries.items.empty() ? std::string(kBeginning) : entries.items.front().items[0].text;
  } else if (const absl::StatusOr<Id> read = IdOf(cursor_); !read.ok() || newest < *read) {
    cursor_ = std::string(kBeginning);
  }
  return events;
}

// [[stream, [entry, ...]]], or nil if there was nothing for a while.
absl::StatusOr<std::vector<RoomEvent>> RedisInbox::TakeNext(const RedisReply& streams) {
  std::vector<RoomEvent> events;
  if (streams.kind == RedisReply::Kind::kNil) return events;
  if (streams.items.size() != 1 || streams.items[0].items.size() != 2) return NoEntries();
  absl::StatusOr<Id> last = IdOf(cursor_);
  if (!last.ok()) return last.status();
  for (const RedisReply& item : streams.items[0].items[1].items) {
    absl::StatusOr<Entry> entry = EntryOf(item);
    if (!entry.ok()) return entry.status();
    if (entry->id <= *last) return NoEntries();  // Else one that repeats itself would be read for ever.
    last = entry->id;
    cursor_ = entry->shown_id;
    if (IsNew(*entry)) events.push_back(std::move(entry->event));
  }
  return events;
}

}  // namespace polyserve
