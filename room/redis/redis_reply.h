// RedisReply: an answer of Redis (RESP2), and RedisParser, which makes answers of bytes, however they are cut. The
// grammar is hiredis' (its reader knows no socket); the values and their bounds are ours, since the other end may be
// anything. RedisCommand() makes the bytes of a command.
//
//   parser.Feed(bytes);
//   while (parser.Next(reply)) ...
//   if (!parser.fault().empty()) ...  // That is no Redis.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_REPLY_H_
#define POLYSERVE_ROOM_REDIS_REDIS_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

struct redisReader;

namespace polyserve {

struct RedisReply {
  enum class Kind : uint8_t { kNil, kString, kStatus, kError, kInteger, kArray };

  Kind kind = Kind::kNil;
  std::string text = {};               // Of a string, a status or an error.
  int64_t integer = 0;                 // Of an integer.
  std::vector<RedisReply> items = {};  // Of an array.

  bool is_error() const { return kind == Kind::kError; }
};

// Not thread-safe.
class RedisParser {
 public:
  // The most that one answer may have, of all its parts together. What the link asks for has some hundred KiB.
  static constexpr size_t kMaxReplyBytes = size_t{4} << 20;
  static constexpr int kMaxItems = 64 * 1024;

  RedisParser();
  ~RedisParser();
  RedisParser(const RedisParser&) = delete;
  RedisParser& operator=(const RedisParser&) = delete;

  // Takes more bytes. Answers that were not taken yet are kept, however many they are.
  void Feed(absl::string_view bytes);
  // False: no further answer is complete, or there is a fault.
  bool Next(RedisReply& reply);
  // Why this is no answer of Redis; "" if it may be one. Once set, it stays.
  const std::string& fault() const { return fault_; }

 private:
  struct Deleter {
    void operator()(redisReader* reader) const;
  };

  const std::unique_ptr<redisReader, Deleter> reader_;
  int items_ = 0;          // Of the answer that is being read.
  size_t unfinished_ = 0;  // Bytes fed since the last answer was taken.
  std::string fault_;
};

// The bytes of a command with these words, of which the first is its name. Words may have any bytes.
std::string RedisCommand(absl::Span<const absl::string_view> words);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_REPLY_H_
