// chat: the commands, their refusals, and what the others hear, however a peer's input is cut.
#include "protocol/chat/session.h"

#include <sys/uio.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/test_users.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"
#include "room/local_room.h"
#include "room/room.h"

namespace polyserve {
namespace {

// All that a member has heard so far.
std::string TakeAll(Mailbox& mailbox) {
  std::string all;
  while (const Message message = mailbox.Next()) all += *message;
  return all;
}

constexpr absl::string_view kNoModerator = "ERR 403 that is for users with the right 'admin', and the operator\n";

std::string TextOf(const Output& output) {
  iovec pieces[16];
  std::string text;
  for (int i = 0, count = output.FrontMemory(pieces, 16); i < count; ++i) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}

class ChatSessionTest : public testing::Test {
 protected:
  ChatSessionTest() { EXPECT_TRUE(ada_->Join("ada").ok()); }

  // What a new peer is answered.
  std::string Talk(absl::string_view input) { return TalkInPieces(make_session_, {input}).replies; }
  // What ada has heard since the last call.
  std::string heard() { return TakeAll(*ada_); }

  LocalRoom room_{"管理员"};
  std::unique_ptr<Member> ada_ = room_.NewMember();
  const SessionFactory make_session_ = [this] { return std::make_unique<ChatSession>(room_); };
};

TEST_F(ChatSessionTest, SaysThatTheServerHasTooMuchToDo) {
  EXPECT_EQ(TalkInPieces(make_session_, {kServerIsOverloaded}).replies, "ERR 503 the server has too much to do\n");
}

TEST_F(ChatSessionTest, OthersHearWhoJoinsSpeaksAndLeaves) {
  EXPECT_EQ(Talk("L bob\nC bob hello, world\nC bob 你好\r\nE bob\nC bob more\n"), "OK\nEXIT\n");
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\nbob : hello, world\nbob : 你好\n'bob' 退出聊天室\n");
}

TEST_F(ChatSessionTest, ClosesOnWhatABrowserSends) {
  const std::string said = "Host: 127.0.0.1:8085\r\n\r\nL bob\nC bob hello\n";
  for (const std::string& line : {std::string("POST / HTTP/1.1\r\n"), std::string("L / HTTP/1.1\r\n"),
                                  absl::StrCat("POST /", std::string(2000, 'x'), " HTTP/1.1\r\n")}) {
    const Transcript transcript = TalkInAnyPieces(make_session_, absl::StrCat(line, said));
    EXPECT_EQ(transcript.replies, "ERR 400 this is no server of HTTP or TLS\n") << line;
    EXPECT_TRUE(transcript.closed) << line;
  }
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(Talk("L bob\nC bob GET / HTTP/1.1\nE bob\n"), "OK\nEXIT\n") << "members may talk of it";
}

TEST_F(ChatSessionTest, PrivateWordsReachOneMemberAlone) {
  const std::unique_ptr<Member> carl = room_.NewMember();
  ASSERT_TRUE(carl->Join("carl").ok());
  EXPECT_EQ(Talk("L bob\nC bob /to carl psst\nC bob  /to carl aloud\nE bob\n"), "OK\nEXIT\n");
  EXPECT_EQ(TakeAll(*carl), "欢迎 'bob' 进入聊天室\nbob -> carl : psst\nbob :  /to carl aloud\n'bob' 退出聊天室\n");
  EXPECT_FALSE(absl::StrContains(heard(), "psst"));
}

TEST_F(ChatSessionTest, WhatIsNoCommandOfTheRoomIsRefusedAndNotSaid) {
  EXPECT_EQ(Talk("L bob\nC bob /too carl psst\nC bob /to carl\n"),
            "OK\nERR 400 there is no command /too; to say it, put a blank in front of it\n"
            "ERR 400 expected: /to NAME TEXT\n");
  EXPECT_FALSE(absl::StrContains(heard(), "psst"));
}

TEST_F(ChatSessionTest, WithoutAFileOfUsersNobodyModerates) {
  EXPECT_EQ(Talk("L bob\nC bob /kick ada\nC bob /ban ada\nC bob /bans\n"),
            absl::StrCat("OK\n", kNoModerator, kNoModerator, kNoModerator));
  EXPECT_FALSE(ada_->is_cut_off());
}

TEST_F(ChatSessionTest, AnswersOfTheRoomComeAsMessages) {
  const std::unique_ptr<Session> session = make_session_();
  Output output;
  Input input("L bob\nC bob /to carl psst\n");
  session->OnInput(input, output);
  EXPECT_EQ(TakeAll(*session->mailbox()), "ERR 404 nobody in the room has that name\n");
}

TEST_F(ChatSessionTest, LastWordIsWhyAPeerWasPutOut) {
  const std::unique_ptr<Session> session = make_session_();
  EXPECT_TRUE(session->wants_peer());
  session->OnPeer("192.0.2.7");
  Output output;
  Input input("L bob\n");
  session->OnInput(input, output);
  EXPECT_EQ(session->closing_message(), "");
  room_.TakeOperatorLine("/ban 192.0.2.7 1 spam");
  EXPECT_TRUE(session->mailbox()->is_cut_off());
  EXPECT_EQ(session->closing_message(), "ERR 410 banned by 管理员 for 1 minute: spam\n");
  ChatSession again(room_);
  again.OnPeer("192.0.2.7");
  Output answer;
  Input join("L ben\n");
  again.OnInput(join, answer);
  EXPECT_EQ(TextOf(answer), "ERR 403 banned from the room for 1 more minute\n");
}

// Everyone may read; bob may chat; carl may not; root may moderate.
class ChatRightsTest : public ChatSessionTest {
 protected:
  // Each try's session has left the room before the next one begins, so names are free again.
  std::string TalkAs(absl::string_view proved_name, absl::string_view input) {
    const auto make_session = [this, proved_name] {
      auto session = std::make_unique<ChatSession>(room_, users_.access());
      EXPECT_TRUE(session->wants_peer());
      session->OnPeer("192.0.2.1");
      if (!proved_name.empty()) session->OnPeerName(proved_name);
      return session;
    };
    return TalkInAnyPieces(make_session, input).replies;
  }

  TestUsers users_{absl::StrCat("*::read\nbob:", TestUsers::kHash, ":chat\ncarl:", TestUsers::kHash,
                                ":write\nroot:", TestUsers::kHash, ":chat,admin\n")};
};

TEST_F(ChatRightsTest, UserWithTheRightModerates) {
  EXPECT_EQ(TalkAs("bob", "L eve\nC eve /kick ada\n"), absl::StrCat("OK\n", kNoModerator));
  EXPECT_FALSE(ada_->is_cut_off());
  EXPECT_EQ(TalkAs("root", "L eve\nC eve /kick ada he floods\n"), "OK\n");
  EXPECT_EQ(ada_->eviction(), "kicked by eve: he floods");
}

TEST_F(ChatRightsTest, PeerThatAnotherSessionHasAdmittedNeedsNoPassword) {
  for (const bool is_root : {false, true}) {
    ChatSession session(room_, users_.access());
    session.Admit("192.0.2.1", users_.access()->PermissionsOf(is_root ? "root" : "bob"));
    Output output;
    Input input("L eve\nC eve /bans\nA root secret\n");
    session.OnInput(input, output);
    EXPECT_EQ(TextOf(output),
              absl::StrCat("OK\n", is_root ? "" : kNoModerator, "ERR 405 the server has no passwords (--auth_file)\n"));
  }
}

TEST_F(ChatRightsTest, PeerLogsInBeforeItJoins) {
  EXPECT_EQ(TalkAs("", "L eve\n"), "ERR 401 log in first: A <user> <password>\n");
  EXPECT_EQ(TalkAs("", "A bob secret\nL eve\nE eve\n"), "OK\nOK\nEXIT\n");
  EXPECT_EQ(TalkAs("", "A carl secret\nL eve\n"), "OK\nERR 403 the user has not the right to chat\n");
  EXPECT_EQ(TalkAs("", "A bob wrong\nL eve\n"),
            "ERR 401 the user or the password is wrong\nERR 401 log in first: A <user> <password>\n");
  EXPECT_EQ(TalkAs("", "A bob\n"), "ERR 400 expected: A <user> <password>\n");
}

TEST_F(ChatRightsTest, NameThatTheTransportHasProvedNeedsNoPassword) {
  EXPECT_EQ(TalkAs("bob", "L eve\n"), "OK\n");
  EXPECT_EQ(TalkAs("carl", "L eve\n"), "ERR 403 the user has not the right to chat\n");
  EXPECT_EQ(TalkAs("dora", "L eve\n"), "ERR 401 log in first: A <user> <password>\n");
}

TEST_F(ChatRightsTest, EveryoneMayJoinIfTheFileSaysSo) {
  users_.Replace("*::chat\n");
  EXPECT_EQ(TalkAs("", "L eve\n"), "OK\n");
}

TEST_F(ChatSessionTest, ServerWithoutAFileOfUsersHasNoPasswords) {
  EXPECT_EQ(Talk("A bob secret\nL bob\n"), "ERR 405 the server has no passwords (--auth_file)\nOK\n");
}

TEST_F(ChatSessionTest, PeerThatIsLostHasLeft) {
  EXPECT_EQ(Talk("L bob\n"), "OK\n");
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
  std::unique_ptr<Session> session = make_session_();
  Output output;
  Input input("L bob\n");
  session->OnInput(input, output);
  session = nullptr;
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
}

TEST_F(ChatSessionTest, NameIsRefusedWhileSomebodyHasItAndFreeAgainAfterwards) {
  EXPECT_EQ(Talk("L ada\nL bob\n"), "ERR 409 the name is taken\nOK\n");
  ada_->Leave();
  EXPECT_EQ(Talk("L ada\n"), "OK\n");
}

TEST_F(ChatSessionTest, NameOfTheAdministratorIsRefused) {
  for (absl::string_view name : {"管理员", "x管理员", "管理员2"}) {
    EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("L ", name, "\n")), "ERR 403 ")) << name;
  }
  EXPECT_EQ(heard(), "");
}

TEST_F(ChatSessionTest, WhatIsNoNameIsRefused) {
  for (absl::string_view name : {"", " ", "a b", "a ", " a", "a\tb", "a\x1b[2J", "a\u0085", "a\u200Bb", "a\u3000b",
                                 "\u202Eada", "\xff", "\xc0\x80", "\xe4\xbd", "\u00ADada", "\uFEFFada"}) {
    EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("L ", name, "\n")), "ERR 400 ")) << name;
  }
  EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("L ", std::string(65, 'n'), "\n")), "ERR 400 "));
  EXPECT_EQ(Talk(absl::StrCat("L ", std::string(64, 'n'), "\n")), "OK\n");
}

TEST_F(ChatSessionTest, NobodySpeaksOrLeavesForAnother) {
  EXPECT_EQ(Talk("L bob\nC ada I am ada\nE ada\n"),
            "OK\nERR 403 the name is not yours: you are 'bob'\nERR 403 the name is not yours: you are 'bob'\n");
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
  EXPECT_EQ(ada_->name(), "ada");
}

TEST_F(ChatSessionTest, WhoHasNotJoinedCannotSpeak) {
  EXPECT_EQ(Talk("C bob hello\nE bob\n"), "ERR 403 join first: L <name>\nERR 403 join first: L <name>\n");
  EXPECT_EQ(heard(), "");
}

TEST_F(ChatSessionTest, SecondJoinIsRefused) {
  EXPECT_EQ(Talk("L bob\nL carl\n"), "OK\nERR 409 you are 'bob' already\n");
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
}

TEST_F(ChatSessionTest, MessageThatOthersCouldNotReadIsRefused) {
  const std::vector<absl::string_view> texts = {
      "", "\xff", "half \xe4\xbd", "bell \a", "esc \x1b[31m", "c1 \u009b31m", {"nul \0", 5}, "line\u2028line"};
  for (absl::string_view text : texts) {
    EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("L bob\nC bob ", text, "\n")), "OK\nERR 400 ")) << text;
  }
  EXPECT_EQ(Talk("L bob\nC bob\n"), "OK\nERR 400 the message is empty\n");
  EXPECT_FALSE(absl::StrContains(heard(), " : "));
}

TEST_F(ChatSessionTest, WhatIsNoCommandIsRefusedAndTheConversationGoesOn) {
  for (absl::string_view line : {"", "L", "l bob", "Lbob", "HELLO", "\xff\xfe", "C", "E"}) {
    EXPECT_EQ(Talk(absl::StrCat(line, "\nL bob\n")), "ERR 400 expected: L <name>, C <name> <text>, or E <name>\nOK\n")
        << line;
  }
}

TEST_F(ChatSessionTest, LineThatIsTooLongIsThrownAwayAndTheConversationGoesOn) {
  const std::string most = absl::StrCat("C bob ", std::string(ChatSession::kMaxLineBytes - 6, 'x'));
  EXPECT_EQ(Talk(absl::StrCat("L bob\n", most, "\n", most, "y\nC bob end\n")),
            "OK\nERR 413 a line has at most 1024 bytes\n");
  EXPECT_EQ(heard(), absl::StrCat("欢迎 'bob' 进入聊天室\nbob : ", most.substr(6), "\nbob : end\n'bob' 退出聊天室\n"));
}

// A member that sends nothing but garbage is held back like one that speaks.
TEST_F(ChatSessionTest, LinesThatAreTooLongCountAgainstTheRate) {
  LocalRoom room("管理员", {.commands_per_second = 2});
  ChatSession session(room);
  Output output;
  const std::string line(ChatSession::kMaxLineBytes + 1, 'x');
  const std::string lines = absl::StrCat(line, "\n", line, "\n", line, "\n");
  Input input(lines);
  session.OnInput(input, output);
  EXPECT_FALSE(output.wants_more()) << "it pauses";
  EXPECT_TRUE(absl::EndsWith(input.bytes(), absl::StrCat(line, "\n"))) << "the third one waits";
}

TEST_F(ChatSessionTest, AnySplitGivesTheSameRepliesAndTheOthersHearTheSame) {
  const std::string long_line(3000, 'z');
  const std::string input = absl::StrCat("C bob early\nL ada\nL 管理员\nL bob\nnonsense\nC bob 你好\r\n", long_line,
                                         "\nC ada no\nC bob \xff\nC bob bye\nE bob\nL bob\n");
  const Transcript whole = TalkInAnyPieces(make_session_, input);
  EXPECT_TRUE(whole.closed);
  EXPECT_LE(whole.max_unconsumed, ChatSession::kMaxLineBytes + 1);
  const std::string each = "欢迎 'bob' 进入聊天室\nbob : 你好\nbob : bye\n'bob' 退出聊天室\n";
  std::string all = heard();
  while (absl::StartsWith(all, each)) all.erase(0, each.size());
  EXPECT_EQ(all, "");
}

TEST_F(ChatSessionTest, PeerIsShownWhatItHears) {
  const std::unique_ptr<Session> session = make_session_();
  Output output;
  Input input("L bob\n");
  session->OnInput(input, output);
  output.Clear();
  ada_->Say("hi");
  ada_->Say(std::string(1000, 'x'));
  while (const Message message = session->mailbox()->Next()) session->OnMessage(message, output);
  EXPECT_EQ(output.unsent_bytes(), static_cast<int64_t>(sizeof("ada : hi\n") - 1 + sizeof("ada : \n") - 1 + 1000));
}

}  // namespace
}  // namespace polyserve
