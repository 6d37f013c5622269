// Every service works under every model, however its requests are sliced on their way.
#include <signal.h>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

constexpr absl::string_view kMessageReply = "Receive your message";

class ServicesTest : public EveryModelTest {};

TEST_F(ServicesTest, EchoSendsBackWhatComes) {
  StartServer();
  Peer peer = Connect("echo");
  for (const std::string& chunk : {std::string("hello"), std::string("\0\n\r\xff", 4), std::string(5000, 'x')}) {
    peer.Send(chunk);
    EXPECT_EQ(peer.Read(chunk.size()), chunk);
  }
}

TEST_F(ServicesTest, EchoSendsBackMegabytesInOrder) {
  StartServer();
  const std::string bytes = RandomBytes(16 << 20, 1);
  Peer peer = Connect("echo");
  // Both directions at once: with 16 MiB on their way, a client that only sent would be stuck as soon as the server is,
  // and the server is stuck while nothing is read.
  std::thread sender([&peer, &bytes] {
    EXPECT_TRUE(peer.Send(bytes));
    peer.HalfClose();
  });
  std::string echoed = peer.ReadToEnd();
  sender.join();
  EXPECT_EQ(echoed.size(), bytes.size());
  EXPECT_EQ(Sha256(echoed), Sha256(bytes));
}

TEST_F(ServicesTest, EachMessageIsAcknowledged) {
  StartServer();
  Peer peer = Connect("message");
  for (int i = 0; i < 3; ++i) {
    peer.Send("a message");
    EXPECT_EQ(peer.Read(kMessageReply.size()), kMessageReply);
  }
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
}

TEST_F(ServicesTest, ComputeSumsUpPrimes) {
  StartServer();
  Peer peer = Connect("compute");
  peer.Send("PRIMES 100000\n");
  EXPECT_EQ(peer.ReadLine(), "OK 454396537\n");
  peer.Send("PRIMES 2\nPRIMES 3\nPRIMES 0\n");
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
  EXPECT_EQ(peer.ReadLine(), "OK 2\n");
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
}

// No wait keeps others out, unless the model serves one client at a time.
TEST_F(ServicesTest, WaitAnswersAfterItsTimeAndKeepsNobodyOut) {
  StartServer();
  Peer peer = Connect("wait");
  peer.Send("WAIT 2\nWAIT 0\nWAIT 1\n");
  EXPECT_EQ(peer.ReadLine(), "OK 2\n");
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
  EXPECT_EQ(peer.ReadLine(), "OK 1\n");
  if (!can().keeps_clients_apart) return;
  Peer slow = Connect("wait");
  slow.Send("WAIT 300\nWAIT 300\n");
  for (int i = 0; i < 3; ++i) {
    peer.Send("WAIT 3\n");
    EXPECT_EQ(peer.ReadLine(), "OK 3\n");
  }
  EXPECT_EQ(slow.ReadLine(), "OK 300\n");
}

// What waits is a request under way.
TEST_F(ServicesTest, WaitIsAnsweredBeforeTheServerStops) {
  StartServer();
  Peer peer = Connect("wait");
  peer.Send("WAIT 1\n");
  EXPECT_EQ(peer.ReadLine(), "OK 1\n");
  peer.Send("WAIT 300\n");
  server().SignalAndAwaitDelivery(SIGTERM);
  peer.HalfClose();  // Or it might ask again, until the grace is over.
  EXPECT_EQ(peer.ReadToEnd(), "OK 300\n");
  ExpectCleanExit();
}

TEST_F(ServicesTest, ComputeRefusesWhatIsNoNumberAndGoesOn) {
  StartServer();
  Peer peer = Connect("compute");
  for (absl::string_view bad :
       {"PRIMES", "PRIMES ", "PRIMES -1", "PRIMES 1.5", "primes 5", "PRIMES 5 5", "", "SUM 5"}) {
    peer.Send(absl::StrCat(bad, "\n"));
    EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR ")) << bad;
  }
  peer.Send("PRIMES 10000001\nPRIMES 10\n");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 413 "));
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
}

// A web page can make its visitor's browser send this; the lines behind the head must not be carried out.
TEST_F(ServicesTest, BrowserCannotGiveCommandsToServicesOfLines) {
  StartServer();
  for (const char* service : {"compute", "file-unframed"}) {
    Peer peer = Connect(service);
    peer.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nPRIMES 10\n");
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::EndsWith(absl::StripSuffix(reply, "\n"), "this is no server of HTTP or TLS")) << service;
    EXPECT_TRUE(peer.was_closed()) << service;
  }
}

TEST_F(ServicesTest, RequestsInOnePacketAreAnsweredInOrder) {
  StartServer();
  root().Write("a", "first");
  Peer file = Connect("file");
  file.Send("G a\nP b 6\nsecondG b\nG none\nR a 1 3\nQ\nG a\n");
  EXPECT_EQ(file.ReadToEnd(), "OK 5\nfirstOK 0\nOK 6\nsecondERR 404 there is no such file\nOK 3\nirs");
  file.HalfClose();
  Peer compute = Connect("compute");
  compute.Send("PRIMES 10\nPRIMES 11\nPRIMES 12\n");
  EXPECT_EQ(compute.ReadLine(), "OK 17\n");
  EXPECT_EQ(compute.ReadLine(), "OK 17\n");
  EXPECT_EQ(compute.ReadLine(), "OK 28\n");
}

TEST_F(ServicesTest, RequestsMayBeSplitAtAnyByte) {
  StartServer();
  root().Write("a", "first");
  const std::string requests = "G a\nP b 6\nsecondG b\nS none\nQ\n";
  const std::string replies = "OK 5\nfirstOK 0\nOK 6\nsecondERR 404 there is no such file\n";
  for (size_t split = 1; split < requests.size(); ++split) {
    Peer peer = Connect("file");
    peer.Send(requests.substr(0, split));
    // If the first piece holds a request, waits for its answer, so that the rest surely travels apart.
    const std::string first = split < 4 ? "" : peer.Read(10);
    peer.Send(requests.substr(split));
    EXPECT_EQ(first + peer.ReadToEnd(), replies) << "split at " << split;
  }
}

TEST_F(ServicesTest, RequestsMayComeByteByByte) {
  StartServer();
  root().Write("a", "first");
  Peer peer = Connect("file");
  for (const char byte : absl::string_view("G a\nP b 6\nsecondG b\nL\nQ\n")) peer.Send(absl::string_view(&byte, 1));
  EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "OK 5\nfirstOK 0\nOK 6\nsecondOK "));
}

TEST_F(ServicesTest, HalfCloseStillBringsTheAnswers) {
  StartServer();
  const std::string bytes = RandomBytes(8 << 20, 2);
  root().Write("large", bytes);
  Peer file = Connect("file");
  file.Send("G large\nG large\n");
  file.HalfClose();
  const std::string head = absl::StrCat("OK ", bytes.size(), "\n");
  EXPECT_EQ(Sha256(file.ReadToEnd()), Sha256(absl::StrCat(head, bytes, head, bytes)));
  EXPECT_TRUE(file.was_closed());

  Peer compute = Connect("compute");
  compute.Send("PRIMES 100000\nPRIMES 10\n");
  compute.HalfClose();
  EXPECT_EQ(compute.ReadToEnd(), "OK 454396537\nOK 17\n");
  EXPECT_TRUE(compute.was_closed());
}

TEST_F(ServicesTest, RequestCutOffByHalfCloseIsNotAnswered) {
  StartServer();
  Peer peer = Connect("compute");
  peer.Send("PRIMES 10");
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
}

TEST_F(ServicesTest, LongWorkOfOneDoesNotStallOthers) {
  if (!can().computes_apart) GTEST_SKIP() << "by design: the one thread computes, or waits for one client";
  StartServer();
  Peer busy = Connect("compute");
  busy.Send("PRIMES 2000000\n");
  Peer other = Connect("compute");
  other.Send("PRIMES 10\n");
  EXPECT_EQ(other.ReadLine(), "OK 17\n");
  EXPECT_EQ(busy.ReadLine(), "OK 142913828922\n");
}

TEST_F(ServicesTest, RepliesKeepTheirOrderHoweverLongEachTakes) {
  StartServer();
  Peer peer = Connect("compute");
  peer.Send("PRIMES 1000000\nPRIMES 10\nPRIMES 100000\nPRIMES 2\nrubbish\nPRIMES 10\n");
  EXPECT_EQ(peer.ReadLine(), "OK 37550402023\n");
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
  EXPECT_EQ(peer.ReadLine(), "OK 454396537\n");
  EXPECT_EQ(peer.ReadLine(), "OK 0\n");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR "));
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
}

TEST_F(ServicesTest, WorkIsNotSilence) {
  StartServer({"--idle_timeout=50ms"});
  const absl::Time last_try = absl::Now() + kPatience;
  std::string answer;
  bool was_in_time = false;
  while (answer.empty() && !was_in_time && absl::Now() < last_try) {  // A busy machine may keep us from asking in time.
    const absl::Time start = absl::Now();
    Peer peer = Connect("compute");
    peer.Send("PRIMES 1000000\n");  // Takes several times as long.
    was_in_time = absl::Now() - start < absl::Milliseconds(50);
    answer = peer.ReadLine();
  }
  EXPECT_EQ(answer, "OK 37550402023\n");
}

TEST_F(ServicesTest, WhoLeavesWhileItsWorkIsDoneHarmsNobody) {
  StartServer();
  for (int i = 0; i < 8; ++i) {
    Peer peer = Connect("compute");
    peer.Send("PRIMES 300000\n");
    peer.Reset();
  }
  Peer other = Connect("compute");
  other.Send("PRIMES 10\n");
  EXPECT_EQ(other.ReadLine(), "OK 17\n");
}

TEST_F(ServicesTest, WorkThatHasBegunIsAnsweredWhileTheServerStops) {
  StartServer({"--drain_timeout=10m"});  // A busy machine may take its time.
  Peer peer = Connect("compute");
  peer.Send("PRIMES 10\n");
  EXPECT_EQ(peer.ReadLine(), "OK 17\n");
  peer.Send("PRIMES 1000000\n");
  server().Signal(SIGTERM);
  EXPECT_EQ(peer.ReadLine(), "OK 37550402023\n");
  peer = Peer("");  // The server waits for its peers to close, too.
  ExpectCleanExit();
}

}  // namespace

}  // namespace polyserve
