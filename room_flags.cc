#include "room_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/command_line.h"
#include "base/take.h"
#include "net/endpoint.h"
#include "net/process.h"
#include "room/local_room.h"
#include "room/redis/redis_connection.h"
#include "room/redis/redis_link.h"
#include "room/redis/redis_url.h"

DEFINE_string(admin_name, "管理员",
              "=NAME the name of the operator, who speaks on standard input; no other name may contain it");
DEFINE_int32(chat_rate, polyserve::RoomLimits().commands_per_second,
             "commands that a member may give in a second; 0: any number");
DEFINE_int64(chat_memory, static_cast<int64_t>(polyserve::RoomLimits().waiting_bytes),
             "=BYTES what may wait for all members together; beyond that, the slowest one is disconnected");
DEFINE_int32(room_history, static_cast<int32_t>(polyserve::RoomLimits().history_lines),
             "how many of the last texts a member of the chat receives that joins");
DEFINE_string(room, "",
              "=redis://[USER:PASSWORD@]HOST:PORT/DB share the chat room with all servers that name the same database "
              "of this Redis; rediss:// encrypts the way to it; by default the room is this server's");
DEFINE_string(
    room_ca, "/etc/ssl/certs/ca-certificates.crt",
    "=FILE with --room=rediss://...: the authorities, one of which must have signed the certificate of Redis");
DEFINE_string(room_timeout, "2s",
              "=TIME with --room: how long Redis may take to answer before it counts as out of reach");
DEFINE_string(
    room_expiry, "15s",
    "=TIME with --room: after this time the members of a server that has crashed, or cannot reach Redis, have "
    "left for the other servers, and their names are free");

namespace polyserve {

namespace {

// Bounds on the limits for members: the maxima are more than any room handles, and the minimum is the least that one
// burst needs.
constexpr int kMaxChatRate = 10'000'000;
constexpr int64_t kLeastChatMemory = 1 << 20;
constexpr int64_t kMaxChatMemory = int64_t{1} << 40;
constexpr int kMaxRoomHistory = 1000;  // A mailbox holds that many of the longest texts.
constexpr absl::Duration kLeastTimeout = absl::Milliseconds(1);
constexpr absl::Duration kMaxTimeout = absl::Minutes(1);
// A lease is renewed three times before it ends.
constexpr absl::Duration kLeastExpiry = absl::Seconds(1);
constexpr absl::Duration kMaxExpiry = absl::Hours(24);

absl::StatusOr<RoomLimits> LimitsFromFlags() {
  absl::Status status = CheckFlagRange("chat_rate", FLAGS_chat_rate, 0, kMaxChatRate);
  status.Update(CheckFlagRange("chat_memory", FLAGS_chat_memory, kLeastChatMemory, kMaxChatMemory));
  status.Update(CheckFlagRange("room_history", FLAGS_room_history, 0, kMaxRoomHistory));
  if (!status.ok()) return status;
  return RoomLimits{FLAGS_chat_rate, static_cast<size_t>(FLAGS_chat_memory), static_cast<size_t>(FLAGS_room_history)};
}

absl::Status OfFlag(absl::string_view flag, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", status.message()));
}

// With its addresses, and, for TLS, the authorities.
absl::StatusOr<RedisServer> ServerFromFlags() {
  absl::StatusOr<RedisUrl> url = RedisUrl::Parse(FLAGS_room);
  if (!url.ok()) return OfFlag("room", url.status());
  if (!url->has_tls && IsFlagSet("room_ca")) {
    return absl::InvalidArgumentError("--room_ca goes with --room=rediss://...; leave it out, or encrypt the way");
  }
  absl::StatusOr<Endpoints> at = Endpoints::Parse(url->address);
  if (!at.ok()) return OfFlag("room", at.status());
  RedisServer server{.url = *std::move(url), .at = *std::move(at)};
  if (!server.url.has_tls) return server;
  absl::StatusOr<std::shared_ptr<SSL_CTX>> tls = MakeRedisTls(FLAGS_room_ca);
  if (!tls.ok()) return OfFlag("room_ca", tls.status());
  server.tls = *std::move(tls);
  return server;
}

absl::StatusOr<absl::Duration> ParseTimeWithin(absl::string_view flag, const std::string& text, absl::Duration least,
                                               absl::Duration most) {
  absl::StatusOr<absl::Duration> time = ParseTimeFlag(flag, text);
  if (!time.ok() || (*time >= least && *time <= most)) return time;
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", text, " is not from ", absl::FormatDuration(least),
                                                 " to ", absl::FormatDuration(most)));
}

absl::StatusOr<RoomLinkOptions> LinkFromFlags(size_t history_lines) {
  RedisLink::Options options{.server = {}, .outbox = {}, .history_lines = history_lines};
  absl::Duration patience;
  absl::Status status = Take(ParseTimeWithin("room_timeout", FLAGS_room_timeout, kLeastTimeout, kMaxTimeout), patience);
  status.Update(
      Take(ParseTimeWithin("room_expiry", FLAGS_room_expiry, kLeastExpiry, kMaxExpiry), options.outbox.expiry));
  if (!status.ok()) return status;
  if (FLAGS_room.empty() || Process::IsImage()) return RoomLinkOptions();
  status = Take(ServerFromFlags(), options.server);
  if (!status.ok()) return status;
  options.server.patience = patience;
  RoomLinkOptions link;
  for (const Endpoint& endpoint : options.server.at.all()) link.tcp_ports.push_back(endpoint.port());
  options.outbox.server = RedisLink::MakeServerId();
  link.check = [server = options.server] {
    const absl::Status status = TryRedis(server);
    return status.ok() ? status : absl::Status(status.code(), absl::StrCat("--room: ", status.message()));
  };
  link.make = [options](LocalRoom& room) { return RedisLink::Start(options, room); };
  return link;
}

}  // namespace

absl::StatusOr<RoomOptions> RoomOptionsFromFlags(bool has_room) {
  RoomOptions options;
  options.admin_name = FLAGS_admin_name;
  absl::Status status = Take(LimitsFromFlags(), options.limits);
  if (!status.ok()) return status;
  for (const char* const flag : {"room_ca", "room_expiry", "room_timeout"}) {
    if (!FLAGS_room.empty() || !IsFlagSet(flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " goes with --room=redis://HOST:PORT/DB; leave it out, or give both"));
  }
  if (!FLAGS_room.empty() && !has_room) {
    return absl::InvalidArgumentError("--room is for chat and http, and --listen has neither; leave it out");
  }
  status = Take(LinkFromFlags(options.limits.history_lines), options.link);
  if (!status.ok()) return status;
  return options;
}

}  // namespace polyserve
