// What the servers of a room keep in Redis, and the scripts that change it. A script is one step for Redis: no other
// server sees half of it. All of them get the same keys, and begin their arguments with the server's id and the bound
// of the stream.
//
//   KEYS[1]  stream   what was done in the room: XADD, XREAD
//   KEYS[2]  hash     names: the key of a name, and "SERVER NAME" of the member that has it
//   KEYS[3]  zset     servers, by the time (ms) when their lease ends
//   KEYS[4]  zset     graves: servers whose lease has ended, by the time of that
//   KEYS[5]  hash     bans: the key of a target, and "UNTIL TARGET", in ms
//
// Times are those of Redis, so that the servers' clocks do not matter.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_SCRIPTS_H_
#define POLYSERVE_ROOM_REDIS_REDIS_SCRIPTS_H_

#include "absl/strings/string_view.h"

namespace polyserve {

constexpr absl::string_view kRedisStream = "polyserve:room";
constexpr absl::string_view kRedisKeys[] = {kRedisStream, "polyserve:names", "polyserve:servers", "polyserve:graves",
                                            "polyserve:bans"};

// Renews the server's lease; ARGV[3] is its length in ms. ARGV[4]: "fresh" if the server has no members yet, so that
// names that it has are those of an earlier process of it; "" if it has connected anew, and claims its names next;
// "renew"; or "bury" if it shall also look for servers whose lease has ended. A server is buried once: its names are
// free, and the others hear that its members have left. Returns 1 if this server itself had been buried; 2 if its lease
// should be there, and is not: Redis has lost its data, so that the names are to be claimed anew; else 0.
constexpr absl::string_view kRefreshScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function bury(server)
  local names = redis.call('HGETALL', KEYS[2])
  for i = 1, #names, 2 do
    if string.sub(names[i + 1], 1, #server + 1) == server .. ' ' then
      redis.call('HDEL', KEYS[2], names[i])
      redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'o', server, 'n', '0', 'k', 'd',
                 'f', string.sub(names[i + 1], #server + 2), 't', '')
    end
  end
end
if ARGV[4] == 'fresh' then bury(ARGV[1]) end
local had_lease = redis.call('ZSCORE', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
local was_buried = redis.call('ZREM', KEYS[4], ARGV[1])
if ARGV[4] == 'bury' then
  for _, server in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    bury(server)
    redis.call('ZREM', KEYS[3], server)
    redis.call('ZADD', KEYS[4], now, server)
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 24 * 3600 * 1000)
end
if was_buried == 1 then return 1 end
if not had_lease and (ARGV[4] == 'renew' or ARGV[4] == 'bury') then return 2 end
return 0
)";

// Takes names: keys and names in turn, from ARGV[3] on. Returns for each 1 if it was free, 2 if this server has it
// already, 0 if it is another's.
constexpr absl::string_view kClaimScript = R"(
local answers = {}
for i = 3, #ARGV, 2 do
  local holder = redis.call('HGET', KEYS[2], ARGV[i])
  local is_own = holder and string.sub(holder, 1, #ARGV[1] + 1) == ARGV[1] .. ' '
  if not holder or is_own then redis.call('HSET', KEYS[2], ARGV[i], ARGV[1] .. ' ' .. ARGV[i + 1]) end
  table.insert(answers, not holder and 1 or is_own and 2 or 0)
end
return answers
)";

// Gives the name with the key ARGV[3] back, if this server has it.
constexpr absl::string_view kReleaseScript = R"(
local holder = redis.call('HGET', KEYS[2], ARGV[3])
if not holder or string.sub(holder, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
return redis.call('HDEL', KEYS[2], ARGV[3])
)";

// The same, behind an event (ARGV[4] to ARGV[8]: o, n, k, f, t) that says so. The event is added in any case: its
// number would be missed otherwise.
constexpr absl::string_view kDepartScript = R"(
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'o', ARGV[4], 'n', ARGV[5], 'k', ARGV[6], 'f', ARGV[7],
           't', ARGV[8])
local holder = redis.call('HGET', KEYS[2], ARGV[3])
if not holder or string.sub(holder, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
return redis.call('HDEL', KEYS[2], ARGV[3])
)";

// Adds an event (ARGV[4] to ARGV[8]: o, n, k, f, t) if a member of any server has the name with the key ARGV[3].
// Returns 1, or 0 if none has.
constexpr absl::string_view kPassToOwnerScript = R"(
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 0 then return 0 end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'o', ARGV[4], 'n', ARGV[5], 'k', ARGV[6], 'f', ARGV[7],
           't', ARGV[8])
return 1
)";

// Keeps the ban with the key ARGV[3], of the target ARGV[4], for ARGV[5] ms.
constexpr absl::string_view kKeepBanScript = R"(
local time = redis.call('TIME')
local till = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]
return redis.call('HSET', KEYS[5], ARGV[3], string.format('%.0f', till) .. ' ' .. ARGV[4])
)";

// Returns the bans: targets, and the ms for which they still hold, in turn. Forgets those that do not any more.
constexpr absl::string_view kLoadBansScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bans = redis.call('HGETALL', KEYS[5])
local answers = {}
for i = 1, #bans, 2 do
  local till, target = string.match(bans[i + 1], '^(%d+) (.*)$')
  if till and tonumber(till) > now then
    table.insert(answers, target)
    table.insert(answers, tonumber(till) - now)
  else
    redis.call('HDEL', KEYS[5], bans[i])
  end
end
return answers
)";

// The server ends, and has no members any more.
constexpr absl::string_view kGoodbyeScript = R"(
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
)";

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_SCRIPTS_H_
