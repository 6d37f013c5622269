// LinkedNode: for tests of a RedisLink: a room that has one, and what its members hear. All waits end after kPatience.
#ifndef POLYSERVE_ROOM_REDIS_LINKED_NODE_H_
#define POLYSERVE_ROOM_REDIS_LINKED_NODE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "room/local_room.h"
#include "room/redis/redis_link.h"
#include "room/room.h"
#include "tests/eventually.h"

namespace polyserve {

// A server's room with its link.
class LinkedNode {
 public:
  // The patience is longer than anything takes on a busy machine.
  explicit LinkedNode(const std::string& url, RedisOutbox::Options outbox = {}, size_t history_lines = 0,
                      absl::Duration patience = kPatience)
      : room_("admin", {.history_lines = history_lines}) {
    const absl::StatusOr<RedisUrl> parsed = RedisUrl::Parse(url);
    RedisLink::Options options{
        .server = {.url = *parsed, .at = *Endpoints::Parse(parsed->address), .patience = patience},
        .outbox = std::move(outbox),
        .history_lines = history_lines};
    if (options.outbox.server.empty()) options.outbox.server = RedisLink::MakeServerId();
    absl::StatusOr<std::unique_ptr<RoomLink>> link = RedisLink::Start(std::move(options), room_);
    EXPECT_TRUE(link.ok()) << link.status();
    link_ = *std::move(link);
  }

  LocalRoom& room() { return room_; }
  bool is_up() const { return link_->is_up(); }

  // How the room has answered.
  absl::Status TryToJoin(Member& member, absl::string_view name) const {
    absl::Status status = member.Join(name);
    if (!status.ok()) return status;
    EXPECT_TRUE(Eventually([&member, &status] {
      const std::optional<absl::Status> answer = member.PollAnswer();
      if (answer.has_value()) status = *answer;
      return answer.has_value();
    }));
    return status;
  }
  std::unique_ptr<Member> Join(absl::string_view name) {
    std::unique_ptr<Member> member = room_.NewMember();
    EXPECT_EQ(TryToJoin(*member, name), absl::OkStatus()) << name;
    return member;
  }

 private:
  LocalRoom room_;
  std::unique_ptr<RoomLink> link_;
};

// The next message of this member; "(nothing)" if none comes. What members of other servers did before this one joined
// may be among it: whether its server had heard of that already is open.
inline std::string Hear(Mailbox& member) {
  Message message;
  Eventually([&] { return (message = member.Next()) != nullptr; });
  return message == nullptr ? "(nothing)" : *message;
}

// All that comes until this line has.
inline std::string HearUntil(Mailbox& member, absl::string_view last) {
  std::string all;
  while (!absl::EndsWith(all, last)) {
    const std::string line = Hear(member);
    all += line;
    if (line == "(nothing)") break;
  }
  return all;
}

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_LINKED_NODE_H_
