// websocket: the room behind frames, however they are cut; and all that a peer can do wrong with them.
#include "protocol/websocket/session.h"

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "protocol/chat/session.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"
#include "protocol/websocket/test_client.h"
#include "room/local_room.h"
#include "room/room.h"

namespace polyserve {
namespace {

std::string ReadAll(const Output& output) {
  iovec piece;
  if (output.FrontMemory(&piece, 1) == 0) return "";
  return WsRead({static_cast<const char*>(piece.iov_base), piece.iov_len});
}

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() { EXPECT_TRUE(ada_->Join("ada").ok()); }

  // What a new peer is answered, however its bytes are cut. Expects that the server closes.
  std::string Talk(absl::string_view frames) {
    const Transcript transcript = TalkInAnyPieces(make_session_, frames);
    EXPECT_TRUE(transcript.closed);
    EXPECT_EQ(transcript.max_unconsumed, 0);
    return WsRead(transcript.replies);
  }

  // The same for a peer that closes in order behind its frames, without what that is answered.
  std::string TalkAndClose(absl::string_view frames) {
    std::string all = Talk(absl::StrCat(frames, WsClose(1000)));
    EXPECT_TRUE(absl::EndsWith(all, "close 1000\n")) << all;
    return all.substr(0, all.size() - std::string("close 1000\n").size());
  }

  // What ada has heard since the last call.
  std::string heard() {
    std::string all;
    while (const Message message = ada_->Next()) all += *message;
    return all;
  }

  std::unique_ptr<Session> MakeSession() {
    Output unsent;
    return WebSocketSession::Start(std::make_unique<ChatSession>(room_), unsent);
  }

  LocalRoom room_{"管理员"};
  std::unique_ptr<Member> ada_ = room_.NewMember();
  const SessionFactory make_session_ = [this] { return MakeSession(); };
};

TEST_F(WebSocketTest, LinesAreTextMessages) {
  EXPECT_EQ(TalkAndClose(WsText("L bob") + WsText("C bob hello, 世界") + WsText("C ada no") + WsText("")),
            "text: OK\ntext: ERR 403 the name is not yours: you are 'bob'\n"
            "text: ERR 400 expected: L <name>, C <name> <text>, or E <name>\n");
  EXPECT_TRUE(absl::StartsWith(heard(), "欢迎 'bob' 进入聊天室\nbob : hello, 世界\n'bob' 退出聊天室\n"));
}

TEST_F(WebSocketTest, MessageMayHoldSeveralLinesAndEndInALineEnd) {
  EXPECT_EQ(TalkAndClose(WsText("L bob\n") + WsText("C bob one\r\nC bob two\nL carl")),
            "text: OK\ntext: ERR 409 you are 'bob' already\n");
  EXPECT_TRUE(absl::StartsWith(heard(), "欢迎 'bob' 进入聊天室\nbob : one\nbob : two\n'bob' 退出聊天室\n"));
}

TEST_F(WebSocketTest, MessageMayComeInFramesWithOthersBetweenThem) {
  const std::string name = "世界";
  EXPECT_EQ(TalkAndClose(WsFrame(kWsText, absl::StrCat("L ", name.substr(0, 2))) +
                         WsFrame(kWsPing | kWsLast, "are you there?") + WsFrame(kWsContinuation, "") +
                         WsFrame(kWsPong | kWsLast, "") + WsFrame(kWsContinuation | kWsLast, name.substr(2))),
            "pong: are you there?\ntext: OK\n");
  EXPECT_TRUE(absl::StartsWith(heard(), "欢迎 '世界' 进入聊天室\n"));
}

TEST_F(WebSocketTest, AnswersLeaveInTheOrderOfWhatTheyAnswer) {
  EXPECT_EQ(TalkAndClose(WsText("E bob") + WsFrame(kWsPing | kWsLast, "1") + WsText("L bob") +
                         WsFrame(kWsPing | kWsLast, std::string(125, 'p'))),
            absl::StrCat("text: ERR 403 join first: L <name>\npong: 1\ntext: OK\npong: ", std::string(125, 'p'), "\n"));
}

TEST_F(WebSocketTest, LeavingEndsIt) {
  EXPECT_EQ(Talk(WsText("L bob") + WsText("E bob") + WsText("L bob")), "text: OK\ntext: EXIT\nclose 1000\n");
}

TEST_F(WebSocketTest, CloseIsAnsweredWithItsCode) {
  EXPECT_EQ(Talk(WsFrame(kWsClose | kWsLast, "")), "close 1000\n");
  for (const uint16_t code : {1000, 1001, 1011, 3000, 4999}) {
    EXPECT_EQ(Talk(WsText("L bob") + WsClose(code, "bye") + WsText("C bob more")),
              absl::StrCat("text: OK\nclose ", code, "\n"));
  }
  EXPECT_FALSE(absl::StrContains(heard(), "more"));
}

TEST_F(WebSocketTest, CloseThatIsWrongIsAnsweredWithWhy) {
  EXPECT_EQ(Talk(WsFrame(kWsClose | kWsLast, "x")), "close 1002: the code is cut off\n");
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535}) {
    EXPECT_EQ(Talk(WsClose(code)), "close 1002: there is no such code\n") << code;
  }
  EXPECT_EQ(Talk(WsClose(1000, "\xff")), "close 1007: the reason is not UTF-8\n");
}

TEST_F(WebSocketTest, MemberHasLeftAsSoonAsItCloses) {
  const std::unique_ptr<Session> session = MakeSession();
  const std::string frames = WsText("L bob") + WsClose(1000);
  Output output;
  Input input(frames);
  session->OnInput(input, output);
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
}

TEST_F(WebSocketTest, PeerThatIsLostHasLeft) {
  const Transcript transcript = TalkInPieces(make_session_, {WsText("L bob")});
  EXPECT_EQ(WsRead(transcript.replies), "text: OK\n");
  EXPECT_EQ(heard(), "欢迎 'bob' 进入聊天室\n'bob' 退出聊天室\n");
}

TEST_F(WebSocketTest, LineThatIsTooLongIsRefusedAndAMessageThatIsCloses) {
  const std::string longest = absl::StrCat("C bob ", std::string(ChatSession::kMaxLineBytes - 6, 'x'));
  EXPECT_EQ(TalkAndClose(WsText("L bob") + WsText(longest) + WsText(longest + "y") + WsText("C bob end")),
            "text: OK\ntext: ERR 413 a line has at most 1024 bytes\n");
  EXPECT_TRUE(absl::StrContains(heard(), "xxx\nbob : end\n"));
  const std::string large(WebSocketSession::kMaxMessageBytes + 1, 'x');
  const std::string refusal = "close 1009: a message has at most 2048 bytes\n";
  EXPECT_EQ(Talk(WsText(large)), refusal);
  EXPECT_EQ(Talk(WsFrame(kWsText, large.substr(1)) + WsFrame(kWsContinuation | kWsLast, "x")), refusal);
  const std::string huge = absl::StrCat(absl::string_view("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff....", 14), "x");
  EXPECT_EQ(Talk(huge), refusal);
}

TEST_F(WebSocketTest, WhatIsNoWebSocketIsClosed) {
  struct Case {
    std::string frame;
    absl::string_view why;
  };
  const std::vector<Case> cases = {
      {"GET / HTTP/1.1\r\n\r\n", "1002: the frame is of an extension"},
      {std::string("\x81\x01x", 3), "1002: the frame is not masked"},
      {WsFrame(kWsLast | 0x40 | kWsText, "x"), "1002: the frame is of an extension"},  // As permessage-deflate does.
      {WsFrame(kWsLast | 3, "x"), "1002: the frame is of an extension"},
      {WsFrame(kWsLast | 11, "x"), "1002: the frame is of an extension"},
      {WsFrame(kWsLast | kWsContinuation, "x"), "1002: the frame is out of order"},
      {WsFrame(kWsText, "x") + WsText("y"), "1002: the frame is out of order"},
      {WsFrame(kWsPing, "x"), "1002: a control frame is fragmented"},
      {WsFrame(kWsPing | kWsLast, std::string(126, 'p')), "1002: a control frame is too long"},
      {std::string("\x81\xfe\x00\x05mask12345", 13), "1002: the length of the frame is malformed"},  // Longer than
      {std::string("\x81\xff\0\0\0\0\0\0\0\x05mask1", 15), "1002: the length of the frame is malformed"},  // needed.
      {std::string("\x81\xff\x80\0\0\0\0\0\0\0mask1", 15), "1002: the length of the frame is malformed"},
      {WsFrame(kWsLast | kWsBinary, "L bob"), "1003: messages are to be text"},
      {WsText("C bob \xff"), "1007: the message is not UTF-8"},
      {WsFrame(kWsText, "C bob \xe4\xb8") + WsFrame(kWsContinuation | kWsLast, "."), "1007: the message is not UTF-8"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Talk(WsText("L bob") + one.frame), absl::StrCat("text: OK\nclose ", one.why, "\n"));
  }
}

// A frame is judged by its header, as far as that has come: waiting for the rest would wait for ever.
TEST_F(WebSocketTest, FrameThatIsRefusedIsClosedBeforeItsPayloadComes) {
  struct Case {
    absl::string_view header;
    absl::string_view why;
  };
  using std::string_view_literals::operator""sv;
  const auto view = [](std::string_view bytes) { return absl::string_view(bytes.data(), bytes.size()); };
  const std::vector<Case> cases = {
      {view("\x81\xff\x40\0\0\0\0\0\0\0"sv), "1009: a message has at most 2048 bytes"},  // 2^62 bytes.
      {view("\x01\xff\x7f\xff\xff\xff\xff\xff\xff\xff"sv), "1009: a message has at most 2048 bytes"},
      {view("\x81\xfe\x08\x01"sv), "1009: a message has at most 2048 bytes"},
      {view("\x82\x80"sv), "1003: messages are to be text"},
      {view("\x80\x80"sv), "1002: the frame is out of order"},
      {view("\x81\x7f"sv), "1002: the frame is not masked"},
      {view("\x89\xfe"sv), "1002: a control frame is too long"},
      {view("\x09"sv), "1002: a control frame is fragmented"},
      {view("\xc1"sv), "1002: the frame is of an extension"},
      {view("\x83"sv), "1002: the frame is of an extension"},
      {view("\x81\xff\xc0\0\0\0\0\0\0\0"sv), "1002: the length of the frame is malformed"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(Talk(WsText("L bob") + std::string(one.header)), absl::StrCat("text: OK\nclose ", one.why, "\n"));
  }
  EXPECT_EQ(Talk(WsFrame(kWsText, std::string(2000, 'x')) + std::string("\x80\xb1")),
            "close 1009: a message has at most 2048 bytes\n")
      << "the sum of its frames";
}

TEST_F(WebSocketTest, PeerIsShownWhatItHears) {
  const std::unique_ptr<Session> session = MakeSession();
  const std::string frame = WsText("L bob");
  Output output;
  Input input(frame);
  session->OnInput(input, output);
  output.Clear();
  ada_->Say("hi");
  ada_->Say(std::string(1000, 'x'));
  while (const Message message = session->mailbox()->Next()) session->OnMessage(message, output);
  // Headers of two and of four bytes.
  EXPECT_EQ(output.unsent_bytes(), static_cast<int64_t>(2 + sizeof("ada : hi") - 1 + 4 + sizeof("ada : ") - 1 + 1000));
}

TEST_F(WebSocketTest, PeerIsPingedAndIsGoneWhereNothingComes) {
  Output output;
  const std::unique_ptr<Session> session = WebSocketSession::Start(std::make_unique<ChatSession>(room_), output);
  const auto wake_time = [&] { return output.asks_for_wake() ? output.TakeWakeIn() : absl::InfiniteDuration(); };
  EXPECT_EQ(wake_time(), WebSocketSession::kPingInterval);
  session->OnTime(output);
  EXPECT_EQ(wake_time(), WebSocketSession::kPingInterval);
  const std::string pong = WsFrame(kWsPong | kWsLast, "");
  Input input(pong);
  session->OnInput(input, output);
  session->OnTime(output);
  EXPECT_EQ(wake_time(), WebSocketSession::kPingInterval);
  EXPECT_FALSE(output.closing());
  session->OnTime(output);
  EXPECT_EQ(ReadAll(output), "ping: \nping: \nclose 1001: there was no answer to a ping\n");
  EXPECT_TRUE(output.closing());
}

TEST_F(WebSocketTest, OnlyWhatIsWholeMayBeCutOff) {
  const std::unique_ptr<Session> session = MakeSession();
  const auto show = [&](const std::string& bytes) {
    Output output;
    Input input(bytes);
    session->OnInput(input, output);
  };
  EXPECT_TRUE(session->idle());
  const std::string frame = WsFrame(kWsText, "L b");
  show(frame.substr(0, 1));
  EXPECT_FALSE(session->idle());
  show(frame.substr(1));
  EXPECT_FALSE(session->idle()) << "the message's end is missing";
  show(WsFrame(kWsPing | kWsLast, ""));
  EXPECT_FALSE(session->idle());
  show(WsFrame(kWsContinuation | kWsLast, "ob"));
  EXPECT_TRUE(session->idle());
  EXPECT_EQ(WsRead(session->closing_message()), "close 1001\n");
  show(WsClose(1000));
  EXPECT_EQ(session->closing_message(), "");
}

TEST_F(WebSocketTest, LastMessageIsWhyAPeerWasPutOut) {
  const std::unique_ptr<Session> session = MakeSession();
  const std::string frame = WsText("L bob");
  Output output;
  Input input(frame);
  session->OnInput(input, output);
  room_.TakeOperatorLine("/kick bob he floods");
  EXPECT_EQ(WsRead(session->closing_message()), "text: ERR 410 kicked by 管理员: he floods\nclose 1001\n");
}

}  // namespace
}  // namespace polyserve
