// What is a command in the room, and what is a text.
#include "room/room_command.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using Kind = RoomCommand::Kind;

RoomCommand Parse(absl::string_view text) {
  const absl::StatusOr<RoomCommand> command = ParseRoomCommand(text);
  EXPECT_TRUE(command.ok()) << text << ": " << command.status();
  return command.ok() ? *command : RoomCommand();
}

std::string FaultOf(absl::string_view text) {
  const absl::Status status = ParseRoomCommand(text).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << text << ": " << status;
  return std::string(status.message());
}

TEST(RoomCommandTest, TextsAreSaidAsTheyAre) {
  for (absl::string_view text : {"hello", "/", "/ to bob hi", "//to bob hi", " /to bob hi", "/etc/hosts is missing",
                                 "/2 of it", "see /to", "/tö bob", "/a-b"}) {
    const RoomCommand command = Parse(text);
    EXPECT_EQ(command.kind, Kind::kSay) << text;
    EXPECT_EQ(command.text, text);
    EXPECT_FALSE(command.is_moderation());
  }
}

TEST(RoomCommandTest, PrivateWordsHaveANameAndAText) {
  for (absl::string_view text : {"/to 卡尔 two  words", "/To   卡尔   two  words  "}) {
    const RoomCommand command = Parse(text);
    EXPECT_EQ(command.kind, Kind::kTo);
    EXPECT_EQ(command.target, "卡尔");
    EXPECT_EQ(command.text, "two  words");
    EXPECT_FALSE(command.is_moderation());
  }
  for (absl::string_view text : {"/to", "/to ", "/to bob", "/to bob  "}) {
    EXPECT_EQ(FaultOf(text), "expected: /to NAME TEXT") << text;
  }
}

TEST(RoomCommandTest, MembersArePutOutWithAReasonOrWithout) {
  const RoomCommand command = Parse("/kick bob he floods");
  EXPECT_EQ(command.kind, Kind::kKick);
  EXPECT_EQ(command.target, "bob");
  EXPECT_EQ(command.text, "he floods");
  EXPECT_TRUE(command.is_moderation());
  EXPECT_EQ(Parse("/kick bob").text, "");
  EXPECT_EQ(FaultOf("/kick"), "expected: /kick NAME [WHY]");
}

TEST(RoomCommandTest, BansHaveATime) {
  const RoomCommand ban = Parse("/ban 192.0.2.7 15 spam 24 hours");
  EXPECT_EQ(ban.kind, Kind::kBan);
  EXPECT_EQ(ban.target, "192.0.2.7");
  EXPECT_EQ(ban.minutes, 15);
  EXPECT_EQ(ban.text, "spam 24 hours");
  EXPECT_TRUE(ban.is_moderation());
  EXPECT_EQ(Parse("/ban bob").minutes, kUsualBanMinutes);
  EXPECT_EQ(Parse("/ban bob spam").minutes, kUsualBanMinutes);
  EXPECT_EQ(Parse("/ban bob spam").text, "spam");
  for (absl::string_view minutes : {"0", "99999999", "99999999999999999999"}) {
    EXPECT_TRUE(absl::StartsWith(FaultOf(absl::StrCat("/ban bob ", minutes)), "a ban lasts 1 to ")) << minutes;
  }
  EXPECT_EQ(FaultOf("/ban"), "expected: /ban NAME|ADDRESS [MINUTES] [WHY]");
}

TEST(RoomCommandTest, BansAreListedAndEnded) {
  EXPECT_EQ(Parse("/unban bob").target, "bob");
  EXPECT_EQ(Parse("/unban bob").kind, Kind::kUnban);
  EXPECT_EQ(Parse("/bans ").kind, Kind::kBans);
  EXPECT_TRUE(Parse("/bans").is_moderation());
  EXPECT_EQ(FaultOf("/unban"), "expected: /unban NAME|ADDRESS");
  EXPECT_EQ(FaultOf("/unban bob carl"), "expected: /unban NAME|ADDRESS");
  EXPECT_EQ(FaultOf("/bans bob"), "expected: /bans");
}

TEST(RoomCommandTest, MisspeltCommandIsNotSaid) {
  EXPECT_EQ(FaultOf("/too bob secret"), "there is no command /too; to say it, put a blank in front of it");
  EXPECT_EQ(FaultOf("/help"), "there is no command /help; to say it, put a blank in front of it");
}

}  // namespace
}  // namespace polyserve
