#include "room/redis/redis_reply.h"

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <utility>

#include "base/logging.h"

namespace polyserve {

namespace {

// Where the value of a task belongs: into the array that it is an item of, which has room for it already, or into a
// value of its own, which the reader passes on when it is complete.
RedisReply* PlaceOf(const redisReadTask* task) {
  if (task->parent == nullptr) return new RedisReply;
  return &static_cast<RedisReply*>(task->parent->obj)->items[static_cast<size_t>(task->idx)];
}

void* CreateString(const redisReadTask* task, char* bytes, size_t size) {
  RedisReply* const reply = PlaceOf(task);
  reply->kind = task->type == REDIS_REPLY_ERROR    ? RedisReply::Kind::kError
                : task->type == REDIS_REPLY_STATUS ? RedisReply::Kind::kStatus
                                                   : RedisReply::Kind::kString;
  reply->text.assign(bytes, size);
  return reply;
}

// Null, which the reader takes for a lack of memory, if there are too many: their number comes before them, so that a
// few bytes could ask for gigabytes.
void* CreateArray(const redisReadTask* task, int count) {
  int& items = *static_cast<int*>(task->privdata);
  if (count > RedisParser::kMaxItems - items) return nullptr;
  items += count;
  RedisReply* const reply = PlaceOf(task);
  reply->kind = RedisReply::Kind::kArray;
  reply->items.resize(static_cast<size_t>(count));
  return reply;
}

void* CreateInteger(const redisReadTask* task, long long value) {
  RedisReply* const reply = PlaceOf(task);
  reply->kind = RedisReply::Kind::kInteger;
  reply->integer = value;
  return reply;
}

void* CreateNil(const redisReadTask* task) { return PlaceOf(task); }

// The reader frees only whole answers; their items are parts of them.
void FreeReply(void* reply) { delete static_cast<RedisReply*>(reply); }

redisReplyObjectFunctions kFunctions = {&CreateString, &CreateArray, &CreateInteger, &CreateNil, &FreeReply};

}  // namespace

void RedisParser::Deleter::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisParser::RedisParser() : reader_(redisReaderCreateWithFunctions(&kFunctions)) {
  CHECK(reader_ != nullptr) << "no memory";
  reader_->privdata = &items_;
}

RedisParser::~RedisParser() = default;

void RedisParser::Feed(absl::string_view bytes) {
  if (!fault_.empty() || bytes.empty()) return;
  unfinished_ += bytes.size();
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) fault_ = reader_->errstr;
}

// The bound counts what was fed since the last answer was taken. What had been fed behind that one already does not
// count, so the next may be longer by so much.
bool RedisParser::Next(RedisReply& reply) {
  if (!fault_.empty()) return false;
  void* complete = nullptr;
  if (redisReaderGetReply(reader_.get(), &complete) != REDIS_OK) {
    fault_ = reader_->err == REDIS_ERR_OOM ? "an answer with too many items" : reader_->errstr;
    return false;
  }
  if (complete == nullptr) {
    if (unfinished_ > kMaxReplyBytes) fault_ = "an answer that is too long";
    return false;
  }
  const std::unique_ptr<RedisReply> taken(static_cast<RedisReply*>(complete));
  reply = std::move(*taken);
  items_ = 0;
  unfinished_ = 0;
  return true;
}

std::string RedisCommand(absl::Span<const absl::string_view> words) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (absl::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* bytes = nullptr;
  const int size = redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), texts.data(), sizes.data());
  CHECK(size >= 0) << "no memory";
  std::string command(bytes, static_cast<size_t>(size));
  redisFreeCommand(bytes);
  return command;
}

}  // namespace polyserve
