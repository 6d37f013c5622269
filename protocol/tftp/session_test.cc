// tftp: what a peer gets, packet by packet, and that nothing a network does to packets changes a file.
#include "protocol/tftp/session.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "access/test_users.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tftp/packet.h"
#include "protocol/tftp/test_client.h"

namespace polyserve {

namespace {

std::string Pattern(size_t size) {
  std::string bytes;
  for (uint32_t state = 1; bytes.size() < size;) {
    state = state * 1664525 + 1013904223;
    bytes.push_back(static_cast<char>(state >> 24));
  }
  return bytes;
}

class TftpSessionTest : public testing::Test {
 protected:
  TftpSessionTest() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    Open({});
  }

  void Open(const Library::Options& options) {
    library_ = *Library::Open(root_, options);
    session_ = NewSession();
  }
  void Write(const std::string& name, absl::string_view bytes) {
    std::ofstream(absl::StrCat(root_, "/", name), std::ios::binary)
        .write(bytes.data(), static_cast<int64_t>(bytes.size()));
  }
  std::string Read(const std::string& name) {
    std::ifstream file(absl::StrCat(root_, "/", name), std::ios::binary);
    return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "(none)";
  }
  // A transfer with a session of its own.
  TftpTestTransfer NewTransfer(const TftpFaults& faults = {}) {
    session_ = NewSession();
    return TftpTestTransfer(*session_, faults);
  }
  // Shows one packet; returns those that come back, each behind a '|'.
  std::string Show(const std::string& packet) {
    Output output(Output::Kind::kDatagrams);
    Input input(packet);
    session_->OnInput(input, output);
    return TakePackets(output);
  }
  // The time that it asked for has come; returns what it sends, and when it wants OnTime() again.
  std::string TellTime() {
    Output output(Output::Kind::kDatagrams);
    session_->OnTime(output);
    return TakePackets(output);
  }
  std::string TakePackets(Output& output) {
    if (output.asks_for_wake()) asked_for_ = output.TakeWakeIn();
    std::string packets;
    for (; !output.empty(); output.DropDatagram()) absl::StrAppend(&packets, "|", output.FrontDatagram());
    return packets;
  }
  // These blocks of a file, each behind a '|'.
  static std::string Blocks(int first, int last, absl::string_view bytes) {
    std::string packets;
    for (int block = first; block <= last; ++block) {
      absl::StrAppend(&packets, "|", TftpData(block, bytes.substr((block - 1) * 512, 512)));
    }
    return packets;
  }
  std::unique_ptr<TftpSession> NewSession() { return std::make_unique<TftpSession>(library_, writes_, access_); }
  // The code of the ERROR packet that begins the reply; -1 if it is another packet.
  static int ErrorCode(absl::string_view reply) {
    return reply.size() > 5 && reply[2] == 5 ? static_cast<int>(reply[4]) : -1;
  }
  static std::string Error(TftpError code, absl::string_view text) {
    return absl::StrCat("|", TftpErrorPacket(code, text));
  }
  std::string Rrq(absl::string_view name, const TftpOptions& options = {}) {
    return TftpRequestPacket(false, name, "octet", options);
  }
  std::string Wrq(absl::string_view name, const TftpOptions& options = {}) {
    return TftpRequestPacket(true, name, "octet", options);
  }

  std::string root_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/tftp-XXXXXX");  // mkdtemp() completes it.
  std::shared_ptr<const Library> library_;
  TftpWrites writes_ = TftpWrites::kAll;  // Of sessions that are made from here on.
  std::shared_ptr<const Access> access_;
  std::unique_ptr<TftpSession> session_;
  absl::Duration asked_for_ = absl::InfiniteDuration();
};

TEST_F(TftpSessionTest, FilesOfAllSizesComeAndGo) {
  for (const size_t size : {0, 1, 511, 512, 513, 1024, 100'000}) {
    Write("a", Pattern(size));
    TftpTestTransfer get = NewTransfer();
    EXPECT_EQ(get.Get("a"), Pattern(size)) << size;
    EXPECT_TRUE(get.was_closed());
    EXPECT_EQ(get.packets_sent(), static_cast<int>(size / 512) + 1);
    EXPECT_TRUE(NewTransfer().Put("b", Pattern(size))) << size;
    EXPECT_EQ(Read("b"), Pattern(size)) << size;
  }
}

TEST_F(TftpSessionTest, BlockNumbersWrap) {
  const std::string bytes = Pattern(8 * 140'000 + 3);
  Write("a", bytes);
  EXPECT_EQ(NewTransfer().Get("a", "octet", {{"blksize", "8"}, {"windowsize", "16"}}), bytes);
  EXPECT_TRUE(NewTransfer().Put("b", bytes, "octet", {{"blksize", "8"}, {"windowsize", "16"}}));
  EXPECT_EQ(Read("b"), bytes);
}

TEST_F(TftpSessionTest, OptionsAreAcceptedAsFarAsTheyMakeSense) {
  Write("a", Pattern(5000));
  TftpTestTransfer get = NewTransfer();
  EXPECT_EQ(
      get.Get("a", "octet", {{"BlkSize", "1400"}, {"tsize", "0"}, {"timeout", "3"}, {"windowsize", "4"}, {"new", "x"}}),
      Pattern(5000));
  EXPECT_EQ(get.accepted(),
            (TftpOptions{{"blksize", "1400"}, {"timeout", "3"}, {"windowsize", "4"}, {"tsize", "5000"}}));
  TftpTestTransfer large = NewTransfer();
  large.Get("a", "octet", {{"blksize", "70000"}, {"windowsize", "60000"}, {"timeout", "0"}});
  EXPECT_EQ(large.accepted(), (TftpOptions{{"blksize", "65464"}, {"windowsize", "16"}}));
  TftpTestTransfer text = NewTransfer();
  EXPECT_TRUE(text.Get("a", "netascii", {{"tsize", "0"}, {"blksize", "7"}}).has_value());
  EXPECT_TRUE(text.accepted().empty()) << "the size on the wire is not known, and no block has 7 bytes";
  TftpTestTransfer put = NewTransfer();
  EXPECT_TRUE(put.Put("b", "12345", "octet", {{"tsize", "5"}}));
  EXPECT_EQ(put.accepted(), (TftpOptions{{"tsize", "5"}}));
}

TEST_F(TftpSessionTest, NetasciiChangesLineEndsOnTheWayAndBack) {
  const std::string text = "one\ntwo\r\nthree\rfour\n\n\r\r\n" + std::string(600, '\n') + std::string("\0x", 2);
  Write("a", text);
  for (const char* block : {"8", "9", "511"}) {
    const std::string wire = NewTransfer().Get("a", "NetASCII", {{"blksize", block}}).value_or("(none)");
    EXPECT_EQ(wire.substr(0, 22), std::string("one\r\ntwo\r\0\r\nthree\r\0four", 22)) << block;
    EXPECT_TRUE(NewTransfer().Put("b", wire, "netascii", {{"blksize", block}}));
    EXPECT_EQ(Read("b"), text) << block;
  }
}

TEST_F(TftpSessionTest, RefusalsHaveTheRightCodes) {
  Write("a", "a");
  EXPECT_EQ(Show(Rrq("none")), Error(TftpError::kNotFound, "there is no such file"));
  EXPECT_EQ(NewTransfer().Get("../a"), std::nullopt);
  const auto code = [this](const std::string& packet) {
    session_ = NewSession();
    return ErrorCode(Show(packet));
  };
  EXPECT_EQ(code(Rrq("../a")), 2);
  EXPECT_EQ(code(Rrq(".hidden")), 2);
  EXPECT_EQ(code(Rrq("")), 2);
  EXPECT_EQ(code(Wrq("a/b")), 2);
  EXPECT_EQ(code(TftpRequestPacket(false, "a", "mail", {})), 4);
  EXPECT_EQ(code(std::string("\0\1a", 3)), 4);
  EXPECT_EQ(code(std::string("\0\1a\0octet\0blksize\0", 18)), 4);
  EXPECT_EQ(code("gibberish"), 4);
  EXPECT_EQ(code(""), 4);
  EXPECT_EQ(code(Rrq("a", {{"blksize", "8"}, {"BLKSIZE", "8"}})), 8);
  EXPECT_EQ(code(Rrq("a", {{"blksize", "many"}})), 8);
  EXPECT_EQ(code(TftpAck(0)), 5);
  EXPECT_EQ(code(TftpData(1, "x")), 5);
  EXPECT_EQ(Show(TftpErrorPacket(TftpError::kOther, "an error is never answered")), "");
  Open({.max_file_bytes = 10});
  EXPECT_EQ(code(Wrq("b", {{"tsize", "11"}})), 3);
  Open({.read_only = true});
  EXPECT_EQ(code(Wrq("b")), 2);
}

TEST_F(TftpSessionTest, UploadIsRefusedIfNoneAreAccepted) {
  writes_ = TftpWrites::kNone;
  Write("a", "a");
  session_ = NewSession();
  EXPECT_EQ(Show(Wrq("b")), Error(TftpError::kAccess, "no uploads are accepted by TFTP"));
  EXPECT_EQ(Read("b"), "(none)");
  EXPECT_EQ(NewTransfer().Get("a"), "a");
}

TEST_F(TftpSessionTest, UploadReplacesNoFileIfOnlyNewOnesAreAccepted) {
  writes_ = TftpWrites::kNew;
  Write("a", "old");
  TftpTestTransfer put = NewTransfer();
  EXPECT_FALSE(put.Put("a", "new"));
  EXPECT_EQ(put.error(), 6);
  EXPECT_EQ(Read("a"), "old");
  EXPECT_TRUE(NewTransfer().Put("b", "new"));
  EXPECT_EQ(Read("b"), "new");
}

TEST_F(TftpSessionTest, FileThatCameIntoBeingDuringTheUploadIsNotReplacedEither) {
  writes_ = TftpWrites::kNew;
  session_ = NewSession();
  EXPECT_EQ(Show(Wrq("b")), absl::StrCat("|", TftpAck(0)));
  Write("b", "quicker");
  EXPECT_EQ(ErrorCode(Show(TftpData(1, "slower"))), 6);
  EXPECT_EQ(Read("b"), "quicker");
  EXPECT_TRUE(session_->idle());
}

// RFC 1350, section 4.
TEST_F(TftpSessionTest, PacketOfAnotherPeerGetsAnErrorUnlessItIsOne) {
  Write("a", Pattern(1000));
  Show(Rrq("a"));
  for (const std::string& stray : {TftpAck(1), TftpData(1, "x"), Rrq("a")}) {
    EXPECT_EQ(TftpOpcodeOf(session_->ReplyToStray(stray)), TftpOpcode::kError);
    EXPECT_EQ(TftpBlockOf(session_->ReplyToStray(stray)), static_cast<uint16_t>(TftpError::kUnknownTransfer));
  }
  for (const std::string& stray :
       {TftpErrorPacket(TftpError::kUnknownTransfer, "no"), std::string("rubbish"), std::string()}) {
    EXPECT_EQ(session_->ReplyToStray(stray), "");
  }
  EXPECT_EQ(Show(TftpAck(1)), absl::StrCat("|", TftpData(2, Pattern(1000).substr(512))));
}

TEST_F(TftpSessionTest, ClientsHaveTheRightsOfEveryone) {
  TestUsers users("*::read:/b write:/c\n");
  access_ = users.access();
  Write("a", "a");
  Write("b", "b");
  EXPECT_EQ(NewTransfer().Get("b"), "b");
  EXPECT_EQ(NewTransfer().Get("/b"), "b");
  TftpTestTransfer get = NewTransfer();
  EXPECT_EQ(get.Get("a"), std::nullopt);
  EXPECT_EQ(get.error(), 2);
  EXPECT_TRUE(NewTransfer().Put("c", "new"));
  TftpTestTransfer put = NewTransfer();
  EXPECT_FALSE(put.Put("b", "new"));
  EXPECT_EQ(put.error(), 2);
  EXPECT_EQ(Read("b"), "b");
}

TEST_F(TftpSessionTest, UploadThatGrowsTooLargeIsRefusedAndNothingStays) {
  Open({.max_file_bytes = 1000});
  TftpTestTransfer put = NewTransfer();
  EXPECT_FALSE(put.Put("b", Pattern(1001)));
  EXPECT_EQ(put.error(), 3);
  EXPECT_EQ(Read("b"), "(none)");
}

TEST_F(TftpSessionTest, UploadThatIsCutOffLeavesTheOldFile) {
  Write("b", "old");
  Show(Wrq("b"));
  EXPECT_EQ(Show(TftpData(1, Pattern(512))), absl::StrCat("|", TftpAck(1)));
  EXPECT_FALSE(session_->idle());
  EXPECT_EQ(Show(TftpErrorPacket(TftpError::kOther, "changed my mind")), "");
  EXPECT_TRUE(session_->idle());
  EXPECT_EQ(Read("b"), "old");
}

TEST_F(TftpSessionTest, AcknowledgementThatComesTwiceIsAnsweredOnce) {
  Write("a", Pattern(2000));
  Show(Rrq("a"));
  const std::string second = Show(TftpAck(1));
  EXPECT_EQ(second, absl::StrCat("|", TftpData(2, Pattern(2000).substr(512, 512))));
  EXPECT_EQ(Show(TftpAck(1)), "");
  EXPECT_EQ(Show(TftpAck(0)), "");
  EXPECT_EQ(Show(TftpAck(3)), "") << "it was not sent yet";
  EXPECT_EQ(Show(Rrq("a")), "") << "the request itself, sent twice";
}

TEST_F(TftpSessionTest, EndOfAnUploadIsToldAgain) {
  Show(Wrq("b"));
  EXPECT_EQ(Show(TftpData(1, "all of it")), absl::StrCat("|", TftpAck(1)));
  EXPECT_TRUE(session_->idle());
  EXPECT_EQ(Show(TftpData(1, "all of it")), absl::StrCat("|", TftpAck(1)));
  EXPECT_EQ(Read("b"), "all of it");
  EXPECT_EQ(Show(Rrq("b")), absl::StrCat("|", TftpData(1, "all of it"))) << "the next request of the same client";
}

TEST_F(TftpSessionTest, PeerThatNeverAnswersIsGivenUp) {
  Write("a", "x");
  Show(Rrq("a"));
  int repeats = 0;
  bool closed = false;
  while (!closed) {
    Output output(Output::Kind::kDatagrams);
    session_->OnTime(output);
    repeats += output.empty() ? 0 : 1;
    closed = output.closing();
  }
  EXPECT_EQ(repeats, TftpSession::kMaxRepeatsUnheard);
}

TEST_F(TftpSessionTest, RequestThatIsPaddedWithZeroBytesIsServed) {
  Write("a", "x");
  EXPECT_EQ(Show(Rrq("a") + std::string(500, '\0')), Blocks(1, 1, "x"));
  session_ = NewSession();
  const TftpOptions options = {{"tsize", "0"}, {"blksize", "1428"}};
  EXPECT_EQ(Show(Rrq("a", options) + std::string(3, '\0')),
            absl::StrCat("|", TftpOptionsAck({{"blksize", "1428"}, {"tsize", "1"}})));
  EXPECT_EQ(Show(Rrq("a") + std::string(TftpSession::kMaxRequestBytes, '\0')),
            Error(TftpError::kIllegal, "the request is too long"));
}

TEST_F(TftpSessionTest, NewRequestEndsTheTransferThatRuns) {
  Write("a", Pattern(5000));
  Write("b", "b");
  Show(Rrq("a"));
  Show(TftpAck(1));
  EXPECT_EQ(Show(Rrq("b")), Blocks(1, 1, "b"));
  Show(Wrq("c"));
  Show(TftpData(1, Pattern(512)));
  EXPECT_EQ(Show(Wrq("d")), absl::StrCat("|", TftpAck(0)));
  EXPECT_EQ(Show(TftpData(1, "d")), absl::StrCat("|", TftpAck(1)));
  EXPECT_EQ(Read("c"), "(none)");
  EXPECT_EQ(Read("d"), "d");
}

TEST_F(TftpSessionTest, SameRequestOfAPeerThatStartedAgainBeginsAnew) {
  Write("a", Pattern(5000));
  Show(Rrq("a"));
  Show(TftpAck(1));
  EXPECT_EQ(Show(Rrq("a")), "") << "it may be a copy of the first one";
  EXPECT_EQ(asked_for_, TftpSession::kCopyInterval);
  EXPECT_EQ(TellTime(), Blocks(1, 1, Pattern(5000)));
}

TEST_F(TftpSessionTest, LateCopyOfTheRequestDisturbsNothing) {
  Write("a", Pattern(5000));
  Show(Rrq("a"));
  Show(TftpAck(1));
  EXPECT_EQ(Show(Rrq("a")), "");
  EXPECT_EQ(Show(TftpAck(2)), Blocks(3, 3, Pattern(5000)));
  EXPECT_EQ(TellTime(), Blocks(3, 3, Pattern(5000))) << "sent again, as ever";
}

TEST_F(TftpSessionTest, SameRequestOfAPeerThatHasNotHeardUsIsAnsweredAgain) {
  Write("a", Pattern(5000));
  Show(Rrq("a"));
  for (int i = 0; i < TftpSession::kMaxRepeatsUnheard; ++i) {
    EXPECT_EQ(Show(Rrq("a")), "");
    EXPECT_EQ(asked_for_, TftpSession::kCopyInterval);
    EXPECT_EQ(TellTime(), Blocks(1, 1, Pattern(5000)));
  }
  Show(Rrq("a"));
  EXPECT_EQ(TellTime(), "") << "that was often enough for a transfer that nobody goes on with";
  EXPECT_EQ(Show(Rrq("a")), Blocks(1, 1, Pattern(5000))) << "a new transfer";
}

TEST_F(TftpSessionTest, PeerThatHasAnsweredNothingCannotAskForLongWaits) {
  Write("a", Pattern(5000));
  Show(Rrq("a", {{"timeout", "255"}}));
  EXPECT_EQ(asked_for_, TftpSession::kIntervalUnheard);
  TellTime();
  EXPECT_EQ(asked_for_, TftpSession::kIntervalUnheard);
  Show(TftpAck(0));
  EXPECT_EQ(asked_for_, absl::Seconds(255));
}

TEST_F(TftpSessionTest, WindowWhoseFirstBlockWasLostIsSentAgainAtOnce) {
  const std::string bytes = Pattern(512 * 40);
  Write("a", bytes);
  Show(Rrq("a", {{"windowsize", "8"}}));
  EXPECT_EQ(Show(TftpAck(0)), Blocks(1, 8, bytes));
  EXPECT_EQ(Show(TftpAck(0)), Blocks(1, 8, bytes));
  EXPECT_EQ(Show(TftpAck(0)), "") << "each block behind the gap may bring one more";
  EXPECT_EQ(Show(TftpAck(3)), Blocks(4, 11, bytes)) << "a gap in the middle";
}

// Else both windows of each pair would be acknowledged, and so on to the end of the file.
TEST_F(TftpSessionTest, WindowThatWasSentTwiceIsNotFollowedByAnotherPair) {
  const std::string bytes = Pattern(512 * 40);
  Write("a", bytes);
  Show(Rrq("a", {{"windowsize", "8"}}));
  Show(TftpAck(0));
  EXPECT_EQ(Show(TftpAck(0)), Blocks(1, 8, bytes));
  EXPECT_EQ(Show(TftpAck(8)), Blocks(9, 16, bytes));
  EXPECT_EQ(Show(TftpAck(8)), "") << "the copy's";
  EXPECT_EQ(Show(TftpAck(16)), Blocks(17, 24, bytes));
  EXPECT_EQ(Show(TftpAck(16)), Blocks(17, 24, bytes)) << "a gap again";
}

TEST_F(TftpSessionTest, DoubledBlockWithinAWindowIsNotAnswered) {
  const std::string bytes = Pattern(512 * 4);
  Show(Wrq("b", {{"windowsize", "4"}}));
  EXPECT_EQ(Show(TftpData(1, bytes.substr(0, 512))), "");
  EXPECT_EQ(Show(TftpData(1, bytes.substr(0, 512))), "");
  EXPECT_EQ(Show(TftpData(2, bytes.substr(512, 512))), "");
  EXPECT_EQ(Show(TftpData(2, bytes.substr(512, 512))), "");
  EXPECT_EQ(Show(TftpData(3, bytes.substr(1024, 512))), "");
  EXPECT_EQ(Show(TftpData(4, bytes.substr(1536, 512))), absl::StrCat("|", TftpAck(4)));
  EXPECT_EQ(Show(TftpData(4, bytes.substr(1536, 512))), absl::StrCat("|", TftpAck(4))) << "it was not heard";
}

// Whatever the network does, a file that has arrived is the right one; and what gets lost does not make the traffic
// explode.
TEST_F(TftpSessionTest, LostDoubledAndReorderedPacketsChangeNothing) {
  const std::string bytes = Pattern(40'000);
  Write("a", bytes);
  int arrived = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    const TftpFaults faults = {.lost = seed % 3 * 0.1, .doubled = seed % 4 * 0.1, .late = seed % 5 * 0.1, .seed = seed};
    const TftpOptions options = {{"windowsize", absl::StrCat(1 << seed % 5)}, {"blksize", "600"}};
    TftpTestTransfer get = NewTransfer(faults);
    const std::optional<std::string> file = get.Get("a", "octet", options);
    EXPECT_TRUE(!file.has_value() || *file == bytes) << "seed " << seed;
    EXPECT_LT(get.packets_sent(), 67 * 40) << "seed " << seed;
    const std::string name = absl::StrCat("b", seed);
    TftpTestTransfer put = NewTransfer(faults);
    const bool is_stored = put.Put(name, bytes, "octet", options);
    EXPECT_EQ(Read(name), is_stored || Read(name) != "(none)" ? bytes : "(none)") << "seed " << seed;
    arrived += (file.has_value() ? 1 : 0) + (is_stored ? 1 : 0);
  }
  EXPECT_GT(arrived, 220) << "of 240";
}

}  // namespace

}  // namespace polyserve
