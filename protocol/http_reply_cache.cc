#include "protocol/http_reply_cache.h"

#include <time.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

namespace polyserve {

namespace {

// File systems take their time stamps from a clock that ticks every 10 ms at the slowest: two changes within a tick
// look like one.
constexpr int64_t kYoungNanoseconds = 50'000'000;

// What it costs to keep a reply, with about so much for the table and the allocations.
size_t BytesOf(absl::string_view name, const std::string& reply) { return name.size() + reply.size() + 256; }

bool IsYoung(const FileStamp& stamp) {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec - stamp.touched < kYoungNanoseconds;
}

}  // namespace

HttpReplyCache::Reply HttpReplyCache::Find(const Library& library, absl::string_view name) const {
  Kept kept;
  {
    MutexLock lock(mutex_);
    const auto found = kept_.find(name);
    if (found == kept_.end()) return nullptr;
    kept = found->second;
  }
  const absl::StatusOr<FileStamp> now = library.Peek(name);
  return now.ok() && *now == kept.stamp ? std::move(kept.reply) : nullptr;
}

void HttpReplyCache::Keep(absl::string_view name, const FileStamp& stamp, Reply reply) {
  if (IsYoung(stamp)) return;
  MutexLock lock(mutex_);
  if (bytes_ + BytesOf(name, *reply) > kMaxBytes) {
    kept_.clear();
    bytes_ = 0;
  }
  Kept& kept = kept_[name];
  if (kept.reply != nullptr) bytes_ -= BytesOf(name, *kept.reply);
  bytes_ += BytesOf(name, *reply);
  kept = {stamp, std::move(reply)};
}

}  // namespace polyserve
