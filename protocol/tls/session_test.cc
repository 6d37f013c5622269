#include "protocol/tls/session.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "protocol/tls/test_fixture.h"

namespace polyserve {

namespace {

class TlsSessionTest : public TlsFixture {};

// A file with these bytes that has no name.
std::shared_ptr<const UniqueFd> FileOf(absl::string_view bytes) {
  auto file = std::make_shared<UniqueFd>(::open(testing::TempDir().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_EQ(::pwrite(file->get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return file;
}

std::string ManyBytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

TEST_F(TlsSessionTest, InnerSessionIsServedByBothVersions) {
  for (const bool only_tls12 : {false, true}) {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({.trusts = certificate_.certificate, .only_tls12 = only_tls12});
    client.Say("hello");
    Talk(client, server);
    EXPECT_EQ(client.heard(), "hello") << client.failure();
    EXPECT_EQ(client.version(), only_tls12 ? "TLSv1.2" : "TLSv1.3");
    EXPECT_FALSE(server.closed());
    EXPECT_EQ(server.errors(), 0);
  }
}

TEST_F(TlsSessionTest, RecordsMayBeSplitAtAnyByte) {
  const std::string bytes = ManyBytes(100'000);
  for (const bool only_tls12 : {false, true}) {
    TlsTestServer server = ServeEcho();
    TlsTestClient client({.only_tls12 = only_tls12});
    client.Say(bytes);
    Talk(client, server, 1);
    EXPECT_TRUE(client.heard() == bytes) << client.heard().size() << " bytes, " << client.failure();
  }
}

TEST_F(TlsSessionTest, FilesAreEncryptedPieceByPiece) {
  const std::string bytes = ManyBytes(1'000'000);
  const auto file = FileOf(bytes);
  TlsTestServer server = ServeScript([&](Output& output) {
    output.Write("head ");
    output.WriteFile(file, 10, static_cast<int64_t>(bytes.size()) - 20);
    output.Write(" tail");
  });
  TlsTestClient client({});
  client.Say("\n\n");
  Talk(client, server);
  const std::string one = absl::StrCat("head ", bytes.substr(10, bytes.size() - 20), " tail");
  EXPECT_TRUE(client.heard() == one + one) << client.heard().size() << " bytes, " << client.failure();
  EXPECT_LT(server.most_unsent(), Output::kHighWaterBytes + 20'000);
}

TEST_F(TlsSessionTest, LargeRepliesAreEncryptedPieceByPiece) {
  const std::string bytes = ManyBytes(1'000'000);
  const auto shared = std::make_shared<const std::string>(bytes);
  TlsTestServer server = ServeScript([&](Output& output) {
    output.Write(bytes);
    output.WriteShared(shared);
  });
  TlsTestClient client({});
  client.Say("\n");
  Talk(client, server);
  EXPECT_TRUE(client.heard() == bytes + bytes) << client.heard().size() << " bytes, " << client.failure();
  EXPECT_LT(server.most_unsent(), Output::kHighWaterBytes + 20'000);
}

TEST_F(TlsSessionTest, FileThatBecameShorterEndsWithoutCloseNotify) {
  const auto file = FileOf("short");
  TlsTestServer server = ServeScript([&](Output& output) { output.WriteFile(file, 0, 100); });
  TlsTestClient client({});
  client.Say("\n");
  Talk(client, server);
  EXPECT_EQ(client.heard(), "short");
  EXPECT_TRUE(server.closed());
  EXPECT_FALSE(client.has_heard_end());
}

TEST_F(TlsSessionTest, TasksAndPausesOfTheInnerSessionRunInOrder) {
  TlsTestServer server = ServeScript([](Output& output) {
    output.Write("a");
    output.Pause(absl::Milliseconds(7), [](Output& more) {
      more.Write("b");
      more.Work([](Output& last) { last.Write("c"); });
    });
  });
  TlsTestClient client({});
  client.Say("\n\n");
  Talk(client, server);
  EXPECT_EQ(client.heard(), "abcabc");
  EXPECT_EQ(server.pauses(), std::vector<absl::Duration>(2, absl::Milliseconds(7)));
  EXPECT_EQ(log_.resumes, 2);
  EXPECT_FALSE(server.session().closing_message().empty()) << "no task is left";
}

// The other server answers as test_fixture.cc has it.
TEST_F(TlsSessionTest, QuestionsOfTheInnerSessionArePassedOnAndWhatFollowsIsEncrypted) {
  TlsTestServer server = ServeScript([](Output& output) {
    output.Write("a");
    output.Ask({.to = {}, .line = "b", .max_reply_bytes = 10, .patience = absl::Seconds(1)},
               [](absl::StatusOr<std::string> reply, Output& more) { more.Write(absl::StrCat("[", *reply, "]")); });
  });
  TlsTestClient client({});
  client.Say("\n\n");
  Talk(client, server);
  EXPECT_EQ(client.heard(), "a[answer to b]a[answer to b]");
  EXPECT_EQ(log_.resumes, 2);
  EXPECT_FALSE(server.session().closing_message().empty()) << "no question is left";
}

TEST_F(TlsSessionTest, TimersOfTheInnerSessionArePassedOn) {
  TlsTestServer server = ServeScript([](Output& output) { output.SetTimer(absl::Seconds(1)); });
  TlsTestClient client({});
  Talk(client, server);
  EXPECT_FALSE(server.has_timer());
  client.Say("\n");
  Talk(client, server);
  EXPECT_TRUE(server.has_timer());
}

TEST_F(TlsSessionTest, CloseOfTheInnerSessionIsAnnounced) {
  TlsTestServer server = ServeScript([](Output& output) {
    output.Write("last words");
    output.Close();
  });
  TlsTestClient client({});
  client.Say("\nignored");
  Talk(client, server);
  EXPECT_EQ(client.heard(), "last words");
  EXPECT_TRUE(client.has_heard_end());
  EXPECT_TRUE(server.closed());
  EXPECT_EQ(server.session().closing_message(), "");
}

TEST_F(TlsSessionTest, PeerThatEndsInGoodOrderIsStillAnswered) {
  const std::string bytes = ManyBytes(300'000);
  const auto file = FileOf(bytes);
  TlsTestServer server =
      ServeScript([&](Output& output) { output.WriteFile(file, 0, static_cast<int64_t>(bytes.size())); });
  TlsTestClient client({});
  Talk(client, server);
  client.Say("\n");
  client.SayEnd();
  Talk(client, server);
  EXPECT_TRUE(client.heard() == bytes) << client.heard().size();
  EXPECT_TRUE(log_.has_ended);
  EXPECT_TRUE(client.has_heard_end());
  EXPECT_TRUE(server.closed());
}

// A session that passes its input on to a stream, and gets mail from there.
class StreamSession : public Session {
 public:
  struct Stream : Mailbox {
    using Mailbox::AwaitRoom;
    using Mailbox::NoteRoom;
  };

  explicit StreamSession(std::string& log) : log_(log) {}
  void OnInput(Input& input, Output&) override {
    const size_t count = std::min(room, input.bytes().size());
    log_.append(input.bytes().data(), count);
    input.Consume(count);
    room -= count;
    if (!input.empty()) stream.AwaitRoom();
  }
  void OnEndOfInput(Output&) override { log_ += "[end]"; }
  bool outlives_input() const override { return true; }
  Mailbox* mailbox() override { return &stream; }
  void OnMessage(const Message& message, Output& output) override {
    message->empty() ? output.Close() : output.Write(*message);
  }

  Stream stream;
  size_t room = SIZE_MAX;

 private:
  std::string& log_;
};

std::string SentFor(Session& session, absl::string_view mail) {
  Output output;
  session.OnMessage(std::make_shared<const std::string>(mail), output);
  std::string sent;
  for (iovec piece; output.FrontMemory(&piece, 1) == 1; output.Sent(static_cast<int64_t>(piece.iov_len))) {
    sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return sent;
}

// close_notify comes first, then the end of the connection's other direction.
TEST_F(TlsSessionTest, InnerSessionThatOutlivesItsInputIsHeardBehindTheEndOfIt) {
  std::string log;
  TlsTestServer server = Serve(std::make_unique<StreamSession>(log));
  TlsTestClient client({});
  Talk(client, server);
  client.Say("all");
  client.SayEnd();
  Talk(client, server);
  EXPECT_EQ(server.End(), "");
  EXPECT_EQ(log, "all[end]");
  EXPECT_FALSE(server.closed() || client.has_heard_end());
  EXPECT_TRUE(server.session().outlives_input());
  client.Hear(SentFor(server.session(), "late"));
  EXPECT_EQ(client.heard(), "late");
  client.Hear(SentFor(server.session(), ""));
  EXPECT_TRUE(client.has_heard_end());
}

TEST_F(TlsSessionTest, NoRecordIsTakenWhileTheInnerSessionAwaitsRoom) {
  std::string log;
  auto inner = std::make_unique<StreamSession>(log);
  StreamSession& stream = *inner;
  stream.room = 2;
  TlsTestServer server = Serve(std::move(inner));
  TlsTestClient client({});
  Talk(client, server);
  client.Say("abc");
  Talk(client, server);
  client.Say("def");
  Talk(client, server);
  EXPECT_EQ(log, "ab");
  EXPECT_FALSE(server.session().idle());
  stream.room = SIZE_MAX;
  stream.stream.NoteRoom();
  Output output;
  server.session().OnResume(output);
  EXPECT_EQ(log, "abc") << "the next record is still with the driver";
  Talk(client, server);
  server.Receive("");
  EXPECT_EQ(log, "abcdef");
}

TEST_F(TlsSessionTest, EndWithoutCloseNotifyIsNoEndOfInput) {
  TlsTestServer server = ServeScript([](Output&) {});
  TlsTestClient client({});
  client.Say("half a line");
  Talk(client, server);
  client.Hear(server.End());
  EXPECT_EQ(log_.input, "half a line");
  EXPECT_FALSE(log_.has_ended);
  EXPECT_TRUE(client.has_heard_end()) << "our side says that it ends";
  EXPECT_TRUE(server.closed());
}

TEST_F(TlsSessionTest, ClosingMessageIsEncryptedAndMadeOnce) {
  TlsTestServer server = ServeScript([](Output&) {});
  EXPECT_EQ(server.session().closing_message(), "") << "before the handshake there is nothing to say";
  TlsTestClient client({});
  client.Say("x");
  Talk(client, server);
  const std::string message(server.session().closing_message());
  EXPECT_EQ(server.session().closing_message(), message);
  client.Hear(message);
  EXPECT_EQ(client.heard(), "bye");
  EXPECT_TRUE(client.has_heard_end());
}

TEST_F(TlsSessionTest, RefusalOfAnOverloadedServerIsEncryptedAndEndsOurSide) {
  TlsTestServer server = ServeScript([](Output&) {});
  TlsTestClient client({});
  client.Say("x");
  Talk(client, server);
  client.Hear(server.Refuse());
  EXPECT_EQ(client.heard(), "busy");
  EXPECT_TRUE(client.has_heard_end());
  EXPECT_TRUE(server.closed());
}

TEST_F(TlsSessionTest, BeforeTheHandshakeARefusalHasNoWords) {
  TlsTestServer server = ServeScript([](Output&) {});
  EXPECT_EQ(server.Refuse(), "");
}

TEST_F(TlsSessionTest, InnerSessionLearnsWhoItsPeerIsBeforeAnyInput) {
  const TestCertificate own = MakeTestCertificate("ada");
  context_ = ContextOf({certificate_}, own.certificate);
  for (const bool only_tls12 : {false, true}) {
    log_.input.clear();
    TlsTestServer server = ServeScript([](Output&) {});
    EXPECT_TRUE(server.session().wants_peer());
    server.session().OnPeer("192.0.2.1");
    TlsTestClient client({.certificate = own.certificate, .key = own.key, .only_tls12 = only_tls12});
    client.Say("hello");
    Talk(client, server);
    EXPECT_EQ(log_.input, "[192.0.2.1]<ada>hello");

    log_.input.clear();
    TlsTestServer next = ServeScript([](Output&) {});
    TlsTestClient again({.only_tls12 = only_tls12, .session = client.session()});
    again.Say("hello");
    Talk(again, next);
    EXPECT_TRUE(again.was_resumed());
    EXPECT_EQ(log_.input, "<ada>hello") << "a session that is resumed is still ada's";
  }
}

TEST_F(TlsSessionTest, PeerWithoutACertificateIsNobodyIfItMayHaveNone) {
  const TestCertificate own = MakeTestCertificate("ada");
  ContextOf({certificate_}, own.certificate);
  files_.client_may_have_none = true;
  context_ = ContextWith(ticket_keys_);
  const auto input_with = [this](const TestCertificate& shown) {
    log_.input.clear();
    TlsTestServer server = ServeScript([](Output&) {});
    TlsTestClient client({.certificate = shown.certificate, .key = shown.key});
    client.Say("hello");
    Talk(client, server);
    return log_.input;
  };
  EXPECT_EQ(input_with(own), "<ada>hello");
  EXPECT_EQ(input_with({}), "hello");
  EXPECT_EQ(input_with(MakeTestCertificate("ada")), "") << "that is signed by nobody whom the server knows";
}

TEST_F(TlsSessionTest, WhatIsUnderWayIsKnownToADriver) {
  TlsTestServer server = ServeEcho();
  TlsTestClient client({});
  EXPECT_TRUE(server.session().is_opening());
  EXPECT_FALSE(server.session().is_refusable()) << "it could not be told";
  Talk(client, server);
  EXPECT_TRUE(server.session().is_opening()) << "nothing but a handshake";
  EXPECT_TRUE(server.session().is_refusable());
  EXPECT_TRUE(server.session().idle());
  EXPECT_FALSE(server.session().awaits_rest_of_request());
  client.Say("hello");
  const std::string record = client.TakeRecords();
  for (size_t cut = 1; cut < record.size(); ++cut) {
    server.Receive(record.substr(cut - 1, 1));
    EXPECT_TRUE(server.session().awaits_rest_of_request()) << cut;
    EXPECT_FALSE(server.session().idle()) << cut;
  }
  client.Hear(server.Receive(record.substr(record.size() - 1)));
  EXPECT_EQ(client.heard(), "hello");
  EXPECT_FALSE(server.session().is_opening());
  EXPECT_FALSE(server.session().awaits_rest_of_request());
  EXPECT_TRUE(server.session().idle());
}

TEST_F(TlsSessionTest, RecordThatWasTamperedWithEndsTheConnection) {
  TlsTestServer server = ServeScript([](Output&) {});
  TlsTestClient client({});
  Talk(client, server);
  client.Say("hello");
  std::string record = client.TakeRecords();
  record.back() = static_cast<char>(record.back() ^ 1);
  client.Hear(server.Receive(record));
  EXPECT_EQ(log_.input, "");
  EXPECT_TRUE(server.closed());
  EXPECT_TRUE(absl::StrContains(client.failure(), "bad record mac")) << client.failure();
}

}  // namespace

}  // namespace polyserve
