#include "protocol/http/reply_cache.h"

#include <time.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/loop_turn.h"

namespace polyserve {

namespace {

// File systems take their time stamps from a clock that ticks every 10 ms at the slowest (CONFIG_HZ=100): two changes
// within a tick look like one. Five ticks leave room for a tick that comes late.
constexpr int64_t kYoungNanoseconds = 50'000'000;

// The memory that a kept reply takes, with an estimate for the table and the allocations.
size_t BytesOf(absl::string_view key, const HttpReplyCache::Sources& sources, const std::string& reply) {
  size_t bytes = key.size() + reply.size() + 256;
  for (const HttpReplyCache::Source& source : sources) bytes += sizeof(source) + source.name.size();
  return bytes;
}

timespec Now() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

// Compares with the coarse clock, since that is the one that file systems use. A change time in the future, left from
// before the clock was set back, counts as young. The change time is the one that matters: every change sets it, and
// utimensat(2) cannot.
bool IsYoung(const FileStamp& stamp) {
  const timespec now = Now();
  return now.tv_sec * 1'000'000'000 + now.tv_nsec - stamp.touched < kYoungNanoseconds;
}

// An error other than NotFound, such as a shortage of descriptors, counts as a change: the request then takes the long
// way, which reports it. A file that was not there, and still is not, is as it was: so a compressed neighbour that
// appears is noticed.
bool IsAsItWas(const Library& library, const HttpReplyCache::Source& source) {
  const absl::StatusOr<FileStamp> now = library.Peek(source.name);
  return source.stamp.has_value() ? now.ok() && *now == *source.stamp : absl::IsNotFound(now.status());
}

}  // namespace

HttpReplyCache::Reply HttpReplyCache::Find(const Library& library, absl::string_view key) const {
  Kept kept;
  {
    MutexLock lock(mutex_);
    const auto found = kept_.find(key);
    if (found == kept_.end()) return nullptr;
    kept = found->second;
  }
  if (kept->fresh_until != INT64_MAX && Now().tv_sec >= kept->fresh_until) return nullptr;
  const uint64_t turn = LoopTurn::current();
  if (turn != 0 && kept->unchanged_in.load(std::memory_order_relaxed) == turn) return kept->reply;
  // System calls come after the lock is released. `kept` keeps the reply alive if the cache drops it meanwhile.
  for (const Source& source : kept->sources) {
    if (!IsAsItWas(library, source)) return nullptr;
  }
  if (turn != 0) kept->unchanged_in.store(turn, std::memory_order_relaxed);
  return kept->reply;
}

void HttpReplyCache::Keep(absl::string_view key, Sources sources, Reply reply, int64_t fresh_until) {
  for (const Source& source : sources) {
    if (source.stamp.has_value() && IsYoung(*source.stamp)) return;
  }
  // BytesOf() gives the same result when the reply is replaced, so that bytes_ always is the sum of what is kept.
  const size_t bytes = BytesOf(key, sources, *reply);
  const Kept made = std::make_shared<const Made>(std::move(sources), std::move(reply), fresh_until);
  MutexLock lock(mutex_);
  if (bytes_ + bytes > kMaxBytes) {
    kept_.clear();
    bytes_ = 0;
  }
  Kept& kept = kept_[key];
  if (kept != nullptr) bytes_ -= BytesOf(key, kept->sources, *kept->reply);
  bytes_ += bytes;
  kept = made;
}

}  // namespace polyserve
