// exec: any program as a service, under every model: bytes both ways, both ends, back-pressure both ways, and that no
// program outlives its client or its server.
#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

// More than the buffers of two sockets hold, on both sides of the server.
constexpr size_t kVeryMuch = 64 << 20;
// What a server may come to hold of it, with all of its own.
constexpr int64_t kLittle = 8 << 20;

class ExecTest : public EveryModelTest {
 protected:
  static std::string Program(absl::string_view what) {
    return absl::StrCat("exec:", ProgramPath("tests/exec_program"), " ", what);
  }

  void StartProgram(absl::string_view what, std::vector<std::string> flags = {}) {
    ServeAlso(Program(what));
    flags.emplace_back("--allow_exec");
    StartServer(std::move(flags));
  }

  // In the order of --listen.
  std::vector<std::string> ProgramAddresses() {
    std::vector<std::string> addresses;
    for (absl::string_view line : absl::StrSplit(server().output(), '\n')) {
      if (absl::ConsumePrefix(&line, "listening exec tcp ")) addresses.emplace_back(line);
    }
    return addresses;
  }

  // Asks each address the same, and expects these answers, in the order of --listen.
  void ExpectAnswers(absl::string_view input, const std::vector<std::string>& answers) {
    const std::vector<std::string> addresses = ProgramAddresses();
    ASSERT_EQ(addresses.size(), answers.size());
    for (size_t i = 0; i < addresses.size(); ++i) {
      Peer peer(addresses[i]);
      peer.Send(input);
      peer.HalfClose();
      EXPECT_EQ(peer.ReadToEnd(), answers[i]);
    }
  }

  // The program that has said first of all who it is.
  static pid_t PidFrom(absl::string_view line) {
    int pid = 0;
    EXPECT_TRUE(absl::ConsumePrefix(&line, "pid ") && absl::SimpleAtoi(line, &pid)) << line;
    return pid;
  }
  static pid_t PidOf(Peer& peer) { return PidFrom(peer.ReadLine()); }

  // A sanitizer's memory says nothing of the server's.
  void ExpectLittleMoreThan(int64_t memory) {
    const int64_t more = server().PeakMemoryBytes() - memory;
    EXPECT_TRUE(kSanitized || more < kLittle) << more << " bytes more";
  }

  // Of exec, as /-/status counts them.
  nlohmann::json Errors() {
    Peer peer = Connect("http");
    peer.Send("GET /-/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const std::string reply = peer.ReadToEnd();
    const std::string content = reply.substr(std::min(reply.size(), reply.find("\r\n\r\n")));
    return nlohmann::json::parse(content, nullptr, false)["services"]["exec"]["errors"];
  }

  static bool IsGone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }
  static void ExpectGone(pid_t pid) {
    EXPECT_TRUE(Eventually([pid] { return IsGone(pid); })) << pid;
  }
};

TEST_F(ExecTest, LinesAreAnsweredByTheProgramAsTheyCome) {
  StartProgram("rev");
  Peer peer = Connect("exec");
  peer.Send("ab\ncd");
  EXPECT_EQ(peer.ReadLine(), "ba\n");
  peer.Send("e\n");
  EXPECT_EQ(peer.ReadLine(), "edc\n");
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
}

TEST_F(ExecTest, EachAddressHasItsOwnProgram) {
  ServeAlso(Program("rev"));
  ServeAlso(Program("count"));
  StartServer({"--allow_exec"});
  ExpectAnswers("abc\n", {"cba\n", "4\n"});
}

TEST_F(ExecTest, EndOfTheInputIsPassedOnBehindAllOfIt) {
  StartProgram("count");
  Peer peer = Connect("exec");
  for (int i = 0; i < 100; ++i) peer.Send(std::string(10'000, 'x'));
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "1000000\n");
}

TEST_F(ExecTest, ProgramThatClosesItsOutputGoesOnReading) {
  StartProgram("close", {"--exec_kill_after=100ms"});
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
  peer.Send(std::string(1000, 'x'));
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "has read 1000 bytes"); }));
  EXPECT_FALSE(IsGone(program));
  peer.HalfClose();  // Nothing is left to say, on either side.
  ExpectGone(program);
}

// As much is under way, with the server and in the program's socket, when the client's end comes.
TEST_F(ExecTest, ProgramThatClosesItsOutputReadsAllThatItsClientHasSent) {
  StartProgram("slow");
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  for (int i = 0; i < 100; ++i) peer.Send(std::string(10'000, 'x'));
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "has read 1000000 bytes to the end"); }));
  ExpectGone(program);
}

// The program passes on what comes until nobody takes its output; the client then cannot send any more, and the server
// holds little of it all.
TEST_F(ExecTest, ClientThatDoesNotReadIsNotReadFromAndLosesNothing) {
  StartProgram("cat");
  ExpectServesOthers();
  const int64_t before = server().PeakMemoryBytes();
  Peer peer = Connect("exec");
  const std::string block = RandomBytes(100'003, 7);
  peer.SendUntilStuck(block, kVeryMuch);
  ExpectLittleMoreThan(before);
  peer.HalfClose();
  const std::string all = peer.ReadToEnd();
  EXPECT_GT(all.size(), block.size());
  EXPECT_LT(all.size(), kVeryMuch) << "somebody has read without end";
  bool is_same = true;
  for (size_t at = 0; at < all.size(); at += block.size()) {
    const absl::string_view piece = absl::string_view(all).substr(at, block.size());
    is_same = is_same && absl::StartsWith(block, piece);
  }
  EXPECT_TRUE(is_same);
}

TEST_F(ExecTest, ProgramThatNeverReadsHoldsUpItsClientAlone) {
  StartProgram("hold", {"--idle_timeout=2s"});
  ExpectServesOthers();
  const int64_t before = server().PeakMemoryBytes();
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  peer.SendUntilStuck(std::string(100'000, 'x'), kVeryMuch);
  ExpectLittleMoreThan(before);
  if (can().keeps_clients_apart) ExpectServesOthers();
  EXPECT_TRUE(peer.AwaitClose()) << "nothing moves";
  ExpectGone(program);
}

TEST_F(ExecTest, ProgramThatFloodsIsHeldByItsClient) {
  StartProgram("flood");
  ExpectServesOthers();
  const int64_t before = server().PeakMemoryBytes();
  Peer peer(server().address("exec"), /*receive_buffer=*/4096);
  const pid_t program = PidOf(peer);
  peer.Read(1000);
  AwaitQuiet();  // Nobody spins, and nobody reads on.
  ExpectLittleMoreThan(before);
  peer.EnlargeBuffer();
  EXPECT_EQ(peer.Read(4 << 20).size(), size_t{4 << 20}) << "it goes on";
  peer.Reset();
  ExpectGone(program);
}

TEST_F(ExecTest, ProgramThatDiesWithItsInputUnreadClosesInGoodOrder) {
  StartProgram("die");
  Peer peer = Connect("exec");
  peer.Send("never read");
  const pid_t program = PidOf(peer);
  EXPECT_EQ(peer.ReadToEnd(), "");
  ExpectGone(program);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "was killed by signal 9"); }));
}

TEST_F(ExecTest, EndOfTheProgramIsTheEndAlthoughItsChildHoldsTheOutput) {
  StartProgram("heir");
  Peer peer = Connect("exec");
  const pid_t child = PidOf(peer);
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_TRUE(peer.was_closed());
  ExpectGone(child);
}

TEST_F(ExecTest, ClientThatLeavesEndsItsProgram) {
  StartProgram("hold");
  NoteFootprint();
  for (int i = 0; i < 3; ++i) {
    Peer peer = Connect("exec");
    const pid_t program = PidOf(peer);
    peer.Reset();
    ExpectGone(program);
  }
  ExpectFootprint();
}

TEST_F(ExecTest, ProgramThatIgnoresSigtermIsKilledAfterATime) {
  StartProgram("stubborn", {"--exec_kill_after=100ms"});
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  peer.Reset();
  ExpectGone(program);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "is killed"); }));
}

TEST_F(ExecTest, ProgramsBeyondTheMostAreTurnedAwayInAllProcesses) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  StartProgram("hold", {"--exec_max=2"});
  Peer first = Connect("exec"), second = Connect("exec");
  PidOf(first);
  const pid_t program = PidOf(second);
  Peer third = Connect("exec");
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_TRUE(absl::StrContains(server().log(), "(--exec_max)"));
  EXPECT_TRUE(Eventually([this] { return Errors() == 1; }));
  second.Reset();
  ExpectGone(program);
  EXPECT_TRUE(Eventually([this] {  // The host may notice it a moment later.
    Peer again = Connect("exec");
    return !again.ReadLine().empty();
  }));
}

// Each further connection of the address is closed before a program is started for it: the log has nothing to say of
// the bound on programs.
TEST_F(ExecTest, RefusedConnectionStartsNoProgram) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client at a time";
  // Without load balancers; with others than this peer; with this one, which names its client.
  for (const char* balancers : {"", "192.0.2.0/24", "127.0.0.1"}) {
    std::vector<std::string> flags = {"--exec_max=1", "--max_connections_per_address=1"};
    if (*balancers != '\0') flags.push_back(absl::StrCat("--proxy_protocol_from=", balancers));
    StartProgram("hold", std::move(flags));
    const auto connect = [this, balancers] {
      Peer peer = Connect("exec");
      if (absl::string_view(balancers) == "127.0.0.1") peer.Send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n");
      return peer;
    };
    Peer first = connect();
    PidOf(first);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(connect().AwaitClose());
    EXPECT_FALSE(absl::StrContains(server().log(), "--exec_max"));
  }
}

TEST_F(ExecTest, ProgramBehindABalancerIsForTheClient) {
  ServeAlso(Program("look"));
  ServeAlso(Program("count"));
  StartServer({"--allow_exec", "--proxy_protocol_from=127.0.0.1"});
  ExpectAnswers("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\nabc", {"0 1 2 for 192.0.2.7\n", "3\n"});
}

// The whole conversation is one request.
TEST_F(ExecTest, StopWaitsForAProgramThatWorks) {
  StartProgram("count");
  Peer peer = Connect("exec");
  peer.Send("abc");
  if (can().keeps_clients_apart) ExpectServesOthers();
  server().SignalAndAwaitDelivery(SIGTERM);
  peer.Send("def");
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "6\n");
  ExpectCleanExit();
}

// As if all processes of the server had been signalled.
TEST_F(ExecTest, NoProgramIsEndedBeforeTheStopBegins) {
  StartProgram("rev", {"--stop_notice=10m", "--drain_timeout=500ms"});
  Peer peer = Connect("exec");
  const auto is_served = [&peer] {
    peer.Send("ab\n");
    return peer.ReadLine() == "ba\n";
  };
  EXPECT_TRUE(is_served());
  for (const pid_t pid : server().processes()) {
    if (NameOf(pid) == "program host") ::kill(pid, SIGTERM);
  }
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "told to stop: "); }));
  EXPECT_TRUE(is_served());
  if (can().keeps_clients_apart) {
    Peer other = Connect("exec");  // The host has seen the signal by the time that it starts this program.
    other.Send("cd\n");
    EXPECT_EQ(other.ReadLine(), "dc\n");
  }
  EXPECT_TRUE(is_served());
  server().Signal(SIGTERM);
  EXPECT_EQ(peer.ReadToEnd(), "");
  ExpectCleanExit();
}

TEST_F(ExecTest, StopEndsProgramsThatGoOn) {
  for (const char* what : {"hold", "stubborn"}) {
    StartProgram(what, {"--drain_timeout=2s", "--exec_kill_after=500ms"});
    Peer peer = Connect("exec");
    const pid_t program = PidOf(peer);
    server().Signal(SIGTERM);
    ExpectCleanExit();
    ExpectGone(program);
    EXPECT_TRUE(peer.AwaitClose());
  }
}

TEST_F(ExecTest, KilledServerLeavesNoProgramBehind) {
  StartProgram("stubborn");
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  server().Signal(SIGKILL);
  server().AwaitExit();
  ExpectGone(program);
  EXPECT_TRUE(Eventually([this] { return server().processes().empty(); }));
}

// Nobody is left in that process to end it.
TEST_F(ExecTest, KilledProcessOfAClientTakesItsProgramAlong) {
  if (can().shares_memory) GTEST_SKIP() << "the server's own process serves";
  StartProgram("stubborn", {"--exec_kill_after=100ms"});
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  for (const pid_t pid : server().processes()) {
    const std::string name = NameOf(pid);
    if (pid != server().pid() && name != "program host" && !absl::StartsWith(name, "chat ")) ::kill(pid, SIGKILL);
  }
  ExpectGone(program);
  EXPECT_TRUE(peer.AwaitClose());
}

TEST_F(ExecTest, KilledHostTakesItsProgramsAlongAndNothingElse) {
  StartProgram("stubborn");
  Peer peer = Connect("exec");
  const pid_t program = PidOf(peer);
  for (const pid_t pid : server().processes()) {
    if (NameOf(pid) == "program host") ::kill(pid, SIGKILL);
  }
  ExpectGone(program);
  EXPECT_TRUE(peer.AwaitClose());
  EXPECT_TRUE(Connect("exec").AwaitClose());
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "no program can be started"); }));
  ExpectServesOthers();
}

TEST_F(ExecTest, ProgramHasNothingOfTheServerButItsSocketAndTheLog) {
  ServeAlso(Program("look"));
  StartServer(ServerProcess::Options{.flags = {"--allow_exec"}, .environment = {"SECRET=1"}});
  Peer other = Connect("echo");
  Peer peer = Connect("exec");
  if (!can().keeps_clients_apart) other = Peer("");
  EXPECT_EQ(peer.ReadToEnd(), "0 1 2 for 127.0.0.1\n");
}

TEST_F(ExecTest, WhatAProgramComplainsOfIsInTheLogButDoesNotFloodIt) {
  StartProgram("complain");
  for (int i = 0; i < 2; ++i) {
    Peer peer = Connect("exec");
    PidOf(peer);
    EXPECT_TRUE(peer.AwaitClose());
  }
  EXPECT_TRUE(absl::StrContains(server().log(), "complaint 0\\x1b[2J")) << "made harmless";
  const std::vector<std::string> lines = absl::StrSplit(server().log(), '\n');
  const auto complains = [](const std::string& line) { return absl::StrContains(line, "complaint"); };
  EXPECT_LE(std::count_if(lines.begin(), lines.end(), complains), 40) << "ten in ten seconds";
}

TEST_F(ExecTest, ProgramSpeaksTlsWithoutKnowing) {
  const TestCertificate made = MakeTestCertificate("localhost");
  const Scratch files;
  files.Write("cert.pem", made.certificate);
  files.Write("key.pem", made.key);
  ServeAlso(absl::StrCat("exec+tls", absl::StripPrefix(Program("cat"), "exec")));
  StartServer({"--allow_exec", absl::StrCat("--tls_cert=", files.PathOf("cert.pem")),
               absl::StrCat("--tls_key=", files.PathOf("key.pem"))});
  TlsPeer peer(server().address("exec+tls"), {.trusts = made.certificate});
  peer.Send("hello");
  EXPECT_EQ(peer.Read(5), "hello");
  const std::string much = RandomBytes(100'000, 3);
  peer.Send(much);
  peer.SendEnd();
  EXPECT_EQ(Sha256(peer.ReadToEnd()), Sha256(much));
  EXPECT_TRUE(peer.tls().has_heard_end());
}

}  // namespace

}  // namespace polyserve
