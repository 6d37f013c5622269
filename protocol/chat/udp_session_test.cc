// chat+udp: the course's commands, their replies, and what the others get.
#include "protocol/chat/udp_session.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/access.h"
#include "access/test_users.h"
#include "base/utf8.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "room/local_room.h"
#include "room/room.h"

namespace polyserve {
namespace {

// A peer with its session. Datagrams that it gets are joined by "|".
class Speaker {
 public:
  explicit Speaker(Room& room, std::shared_ptr<const Access> access = nullptr) : session_(room, std::move(access)) {}

  std::string Send(absl::string_view datagram) {
    Input input(datagram);
    session_.OnInput(input, output_);
    EXPECT_TRUE(input.empty());
    return Sent();
  }

  std::string Hear() {
    std::string all;
    while (const Message message = session_.mailbox()->Next()) {
      session_.OnMessage(message, output_);
      absl::StrAppend(&all, Sent(), "|");
    }
    return all;
  }

  void TellPeer(absl::string_view address) { session_.OnPeer(address); }
  std::string closing_message() const { return std::string(session_.closing_message()); }
  bool is_closed() const { return is_closed_; }
  bool is_stateless() const { return session_.is_stateless(); }
  bool is_verified() const { return session_.is_verified(); }

 private:
  std::string Sent() {
    std::string sent;
    Output output = std::exchange(output_, Output());
    is_closed_ = is_closed_ || output.closing();
    iovec piece;
    while (output.FrontMemory(&piece, 1) == 1) {
      sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      output.Sent(static_cast<int64_t>(piece.iov_len));
    }
    return sent;
  }

  ChatDatagramSession session_;
  Output output_;
  bool is_closed_ = false;
};

class ChatDatagramTest : public testing::Test {
 protected:
  LocalRoom room_{"管理员"};
  Speaker ada_{room_}, bob_{room_};
};

TEST_F(ChatDatagramTest, PrivateWordsReachOneMemberAlone) {
  ada_.Send("L ada");
  bob_.Send("L bob");
  ada_.Hear();
  EXPECT_EQ(ada_.Send("C ada /to bob psst"), "");
  EXPECT_EQ(bob_.Hear(), "\nada -> bob : psst|");
  ada_.Send("C ada /to carl psst");
  EXPECT_EQ(ada_.Hear(), "\nnobody in the room has that name|") << "without the code of the other dialect";
  EXPECT_EQ(ada_.Send("C ada /kick bob"), "\nthat is for users with the right 'admin', and the operator");
}

TEST_F(ChatDatagramTest, MemberOfTheNameErrIsHeard) {
  ada_.Send("L ada");
  bob_.Send("L ERR");
  ada_.Hear();
  bob_.Send("C ERR 404 is my name");
  EXPECT_EQ(ada_.Hear(), "\nERR : 404 is my name|");
}

TEST_F(ChatDatagramTest, LastWordIsWhyAPeerWasPutOut) {
  bob_.TellPeer("192.0.2.7");
  bob_.Send("L bob");
  EXPECT_EQ(bob_.closing_message(), "");
  room_.TakeOperatorLine("/ban 192.0.2.7");
  EXPECT_EQ(bob_.closing_message(), "\nbanned by 管理员 for 60 minutes");
  ada_.TellPeer("192.0.2.7");
  EXPECT_EQ(ada_.Send("L ada"), "banned from the room for 60 more minutes");
}

TEST_F(ChatDatagramTest, SpeaksTheCoursesDialect) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_EQ(bob_.Send("L 小明"), "OK");
  EXPECT_EQ(bob_.Send("C 小明 你好 ada"), "");
  room_.SayAsAdmin("开会了");
  EXPECT_EQ(bob_.Send("E 小明"), "EXIT");
  EXPECT_TRUE(bob_.is_closed());
  EXPECT_EQ(ada_.Hear(), "\n欢迎 '小明' 进入聊天室|\n小明 : 你好 ada|\n管理员 : 开会了|\n'小明' 退出聊天室|");
}

TEST_F(ChatDatagramTest, RefusalsAreWords) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_EQ(bob_.Send("L ada"), "the name is taken");
  EXPECT_TRUE(absl::StrContains(bob_.Send("L 管理员"), "管理员"));
  EXPECT_EQ(bob_.Send("L "), "the name is empty");
  EXPECT_EQ(bob_.Send("C ada I am ada"), "\njoin first: L <name>");
  EXPECT_EQ(bob_.Send("E ada"), "\njoin first: L <name>");
  EXPECT_TRUE(bob_.is_stateless());
  EXPECT_EQ(bob_.Send("L bob"), "OK");
  EXPECT_FALSE(bob_.is_stateless());
  EXPECT_EQ(bob_.Send("C ada I am ada"), "\nyou are 'bob'");
  EXPECT_EQ(bob_.Send("C bob \xff"), "\nthe message is not UTF-8");
  EXPECT_TRUE(absl::StartsWith(bob_.Send("hello"), "\nexpected: "));
  EXPECT_EQ(bob_.Send(absl::StrCat("C bob ", std::string(1019, 'x'))), "\na message has at most 1024 bytes");
  EXPECT_EQ(ada_.Hear(), "\n欢迎 'bob' 进入聊天室|");
}

TEST_F(ChatDatagramTest, PeersMayJoinIfEveryoneMay) {
  TestUsers users("*::read\n");
  Speaker eve(room_, users.access());
  EXPECT_EQ(eve.Send("L eve"), "the room needs a password, and this dialect has none");
  EXPECT_TRUE(eve.is_stateless());
  users.Replace("*::chat\n");
  EXPECT_EQ(eve.Send("L eve"), "OK");
}

TEST_F(ChatDatagramTest, JoinThatComesTwiceIsAnsweredTwice) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_EQ(ada_.Send("L eve"), "you are 'ada'");
}

TEST_F(ChatDatagramTest, NoMessageIsLongerThanADatagramOrEndsWithinACharacter) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_EQ(ada_.Send("C ada hello"), "");
  std::string text;
  while (text.size() + 3 <= kMaxTextBytes) text += "你";
  room_.SayAsAdmin(text);
  std::string heard = ada_.Hear();
  ASSERT_EQ(heard.back(), '|');
  heard.pop_back();
  EXPECT_LE(heard.size(), ChatDatagramSession::kMaxDatagramBytes);
  EXPECT_GT(heard.size(), ChatDatagramSession::kMaxDatagramBytes - 3);
  EXPECT_TRUE(IsUtf8(heard));
}

TEST_F(ChatDatagramTest, PeerThatSpeaksAfterAnAnswerIsVerifiedAndHearsAll) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  EXPECT_FALSE(ada_.is_verified());
  EXPECT_EQ(ada_.Send("C ada hello"), "");
  EXPECT_TRUE(ada_.is_verified());
  const std::string text(900, 'x');
  for (int i = 0; i < 20; ++i) room_.SayAsAdmin(text);
  EXPECT_GT(ada_.Hear().size(), 20 * text.size());
}

TEST_F(ChatDatagramTest, PeerThatOnlyListensHearsAFewShortMessagesAndIsToldToSpeak) {
  EXPECT_EQ(ada_.Send("L ada"), "OK");
  for (int i = 0; i < 1000; ++i) room_.SayAsAdmin("tea is ready");
  const std::string heard = ada_.Hear();
  EXPECT_EQ(heard.find("say something"), heard.rfind("say something")) << "once";
  std::string datagrams = heard;
  datagrams.erase(std::remove(datagrams.begin(), datagrams.end(), '|'), datagrams.end());
  EXPECT_LE(datagrams.size() + 2, static_cast<size_t>(ChatDatagramSession::kUnverifiedBytes));
  EXPECT_GT(datagrams.size(), static_cast<size_t>(ChatDatagramSession::kUnverifiedBytes) / 2);
  EXPECT_EQ(ada_.Send("C ada thank you"), "");
  room_.SayAsAdmin("welcome");
  EXPECT_EQ(ada_.Hear(), "\n管理员 : welcome|");
}

TEST_F(ChatDatagramTest, WhatAServerSaysIsNeverAnsweredAndGarbageIsNoVerification) {
  EXPECT_EQ(ada_.Send("\nexpected: L <name>, C <name> <text>, or E <name>"), "");
  EXPECT_EQ(ada_.Send("\nL ada"), "");
  EXPECT_TRUE(ada_.is_stateless());
  size_t sent = 0;
  for (int i = 0; i < 1000; ++i) sent += ada_.Send("x").size();
  EXPECT_LE(sent, 3 * 1100u);
  EXPECT_FALSE(ada_.is_verified());
}

}  // namespace
}  // namespace polyserve
