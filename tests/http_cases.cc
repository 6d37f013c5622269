// http under every model: requests that come too slowly, the access log, and what the server tells of itself.
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

constexpr char kShortTime[] = "--request_timeout=300ms";
constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr absl::string_view kLast = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class HttpCases : public EveryModelTest {
 protected:
  void StartServer(std::vector<std::string> flags) {
    root().Write("a", "hello");
    EveryModelTest::StartServer(std::move(flags));
  }

  std::string log_path() const { return root().path() + "/.log"; }

  std::vector<std::string> LogLines(absl::string_view name = ".log") const {
    return absl::StrSplit(root().Read(std::string(name)), '\n', absl::SkipEmpty());
  }

  std::string Page(absl::string_view path) {
    Peer peer = Connect("http");
    peer.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    const std::string reply = peer.ReadToEnd();
    return reply.substr(std::min(reply.size(), reply.find("\r\n\r\n")));
  }
  nlohmann::json Status() { return nlohmann::json::parse(Page("/-/status"), nullptr, false); }
  std::string Metrics() { return Page("/-/metrics"); }

  void GetOnce() {
    Peer peer = Connect("http");
    peer.Send(kLast);
    EXPECT_TRUE(absl::EndsWith(peer.ReadToEnd(), "\r\n\r\nhello"));
  }
};

TEST_F(HttpCases, HostOfAnotherSiteIsMisdirected) {
  StartServer({});
  Peer peer = Connect("http");
  peer.Send("GET /a HTTP/1.1\r\nHost: evil.example:8080\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 421 "));
}

TEST_F(HttpCases, BytesThatAreNoRequestAreRefusedAtOnce) {
  StartServer({});
  // The beginning of a TLS handshake (RFC 8446, section 5.1), and what an SSH client says first (RFC 4253, section
  // 4.2).
  for (const std::string& begin : {std::string("\x16\x03\x01\x02\0\x01", 6), std::string("SSH-2.0-OpenSSH_9.2\r\n")}) {
    Peer peer = Connect("http");
    peer.Send(begin);
    EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 400 ")) << begin;
    EXPECT_TRUE(peer.was_closed()) << begin;
  }
}

TEST_F(HttpCases, ShortageOfDescriptorsIsNoLackOfSpace) {
  root().Write("b", "other");
  StartServer({});
  Peer peer = Connect("http");
  peer.Send(kGet);  // Now the worker that serves it has all its descriptors.
  std::string line;
  while ((line = peer.ReadLine()) != "\r\n") ASSERT_NE(line, "");
  EXPECT_EQ(peer.Read(5), "hello");
  AwaitQuiet();  // One that has handed the client on may just be hearing of it, which takes a descriptor, too.
  rlimit old;
  ASSERT_EQ(::prlimit(server().pid(), RLIMIT_NOFILE, nullptr, &old), 0);
  // Exactly so that no number is left: with a lower limit poll(2) itself would fail, if it gets more descriptors than
  // that.
  for (const pid_t pid : server().processes()) LimitDescriptors(pid, LowestFreeDescriptor(pid));
  peer.Send("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(peer.ReadLine(), "HTTP/1.1 503 Service Unavailable\r\n");
  bool tells_when = false;
  while ((line = peer.ReadLine()) != "\r\n") {
    ASSERT_NE(line, "");
    tells_when |= absl::StartsWith(line, "Retry-After: ");
  }
  EXPECT_TRUE(tells_when);
  EXPECT_EQ(peer.ReadLine(), "503 Service Unavailable: the server is short of descriptors or memory\n");
  for (const pid_t pid : server().processes()) LimitDescriptors(pid, static_cast<int>(old.rlim_cur));
  peer.Send("GET /b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(absl::EndsWith(peer.ReadToEnd(), "\r\n\r\nother"));
}

// Also if all of it comes at once, and the reply to the first one is kept ready.
TEST_F(HttpCases, RequestBehindAnUploadGetsTheNewFile) {
  StartServer({});
  for (int i = 0; i < 20; ++i) GetOnce();  // By then the file is old enough, as a rule.
  Peer peer = Connect("http");
  peer.Send(absl::StrCat(kGet, "PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nnew", kLast));
  const std::string replies = peer.ReadToEnd();
  EXPECT_TRUE(absl::StrContains(replies, "\r\n\r\nhelloHTTP/1.1 204 ")) << replies;
  EXPECT_TRUE(absl::EndsWith(replies, "\r\n\r\nnew")) << replies;
}

TEST_F(HttpCases, HeadThatDoesNotComeInTimeIsAnsweredAndClosed) {
  StartServer({kShortTime});
  Peer peer = Connect("http");
  peer.Send(absl::StrCat(kGet, "GET /a HTTP"));
  const std::string replies = peer.ReadToEnd();
  EXPECT_TRUE(absl::StrContains(replies, "\r\n\r\nhelloHTTP/1.1 408 ")) << replies;
  EXPECT_TRUE(peer.was_closed());
}

TEST_F(HttpCases, WhoDripsHoldsNoConnectionForEver) {
  StartServer({kShortTime});
  Peer peer = Connect("http");
  peer.Send("GET /a HTTP/1.1\r\nX: ");
  EXPECT_TRUE(Eventually([&peer] { return !peer.Send("x"); }));
  // A client that goes on sending may lose the reply to a reset (RFC 9112, section 9.6); this one does so on purpose.
  EXPECT_TRUE(absl::StrContains(peer.ReadToEnd(), "HTTP/1.1 408 ") || peer.was_reset());
}

TEST_F(HttpCases, ContentThatStopsComingIsAnsweredAndClosed) {
  StartServer({kShortTime});
  Peer peer = Connect("http");
  peer.Send("PUT /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhello");
  EXPECT_TRUE(absl::StartsWith(peer.ReadToEnd(), "HTTP/1.1 408 "));
  EXPECT_TRUE(peer.was_closed());
  EXPECT_FALSE(std::filesystem::exists(root().path() + "/b"));
}

TEST_F(HttpCases, SilenceBetweenTwoRequestsIsNotTooSlow) {
  StartServer({kShortTime});
  Peer slow = Connect("http");
  slow.Send("GET /a HTTP/1.1\r\n");
  slow.Send("Host: localhost\r\n\r\n");
  EXPECT_TRUE(absl::StrContains(slow.Read(15), "200 OK"));
  if (can().keeps_clients_apart) {
    Peer other = Connect("http");  // As long as this one takes to be too slow.
    other.Send("GET");
    EXPECT_TRUE(absl::StartsWith(other.ReadToEnd(), "HTTP/1.1 408 "));
  }
  slow.Send(kLast);
  EXPECT_TRUE(absl::EndsWith(slow.ReadToEnd(), "\r\n\r\nhello"));
}

TEST_F(HttpCases, EachRequestLeavesOneLineInTheLog) {
  constexpr int kClients = 8;
  StartServer({absl::StrCat("--access_log=", log_path())});
  RunAtOnce(kClients, [this](int) {
    Peer peer = Connect("http");
    peer.Send(absl::StrCat(kGet, kGet, kLast));
    EXPECT_TRUE(absl::EndsWith(peer.ReadToEnd(), "\r\n\r\nhello"));
  });
  EXPECT_TRUE(Eventually([this] { return LogLines().size() == 3 * kClients; }));
  for (const std::string& line : LogLines()) {
    EXPECT_TRUE(absl::StartsWith(line, "127.0.0.1 - - [")) << line;
    EXPECT_TRUE(absl::EndsWith(line, " +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\"")) << line;
  }
}

TEST_F(HttpCases, HangUpSignalMakesANewLog) {
  StartServer({absl::StrCat("--access_log=", log_path())});
  GetOnce();
  Peer stays = Connect("http");
  if (can().keeps_clients_apart) {
    stays.Send(kGet);
    EXPECT_TRUE(absl::StrContains(stays.Read(15), "200 OK"));
  } else {
    stays.Reset();
  }
  std::filesystem::rename(log_path(), log_path() + ".1");
  server().Signal(SIGHUP);
  // The old connection logs there, too: its process or thread is still the same.
  EXPECT_TRUE(Eventually([&] {
    if (can().keeps_clients_apart) stays.Send(kGet);
    GetOnce();
    return std::filesystem::exists(log_path());
  }));
  if (can().keeps_clients_apart) {
    const size_t old_lines = LogLines(".log.1").size();
    stays.Send(kLast);
    stays.ReadToEnd();
    EXPECT_EQ(LogLines(".log.1").size(), old_lines);
  }
}

// /dev/full lets itself be opened, and fails every write with ENOSPC (full(4)).
TEST_F(HttpCases, LogOnAFullDiskCostsNoReply) {
  StartServer({"--access_log=/dev/full"});
  for (int i = 0; i < 5; ++i) GetOnce();
  const std::string log = server().log();
  const size_t first = log.find("lines of the log are being lost");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("lines of the log are being lost", first + 1), std::string::npos) << "once is enough";
}

TEST_F(HttpCases, StatusCountsWhatHasHappened) {
  StartServer({});
  EXPECT_EQ(Status()["connections"]["accepted"], 1);
  for (int i = 0; i < 3; ++i) GetOnce();
  Peer file = Connect("file");
  file.Send("G a\nG none\nQ\n");
  EXPECT_EQ(file.ReadToEnd(), "OK 5\nhelloERR 404 there is no such file\n");
  file.HalfClose();
  nlohmann::json status;
  // Processes and threads count a moment after the client is served.
  EXPECT_TRUE(Eventually([&] {
    status = Status();
    return status["services"]["file"]["requests"] == 3 && status["connections"]["active"] == 1;
  })) << status;
  EXPECT_GE(status["services"]["http"]["requests"], 4);
  EXPECT_EQ(status["services"]["http"]["errors"], 0);
  EXPECT_EQ(status["services"]["file"]["connections"], 1);
  EXPECT_EQ(status["services"]["file"]["errors"], 1);
  EXPECT_EQ(status["services"]["file"]["bytes_in"], 13);
  EXPECT_EQ(status["services"]["file"]["bytes_out"], 40);
  EXPECT_EQ(status["services"]["echo"]["requests"], 0);
  EXPECT_GT(status["uptime_seconds"], 0);
  EXPECT_EQ(status["connections"]["refused"], 0);
}

TEST_F(HttpCases, StatusListsWhoServes) {
  StartServer({});
  const nlohmann::json status = Status();
  ASSERT_GE(status["workers"].size(), 1);
  for (const nlohmann::json& worker : status["workers"]) {
    EXPECT_GT(worker["pid"], 0);
    EXPECT_GT(worker["tid"], 0);
  }
  EXPECT_TRUE(absl::StrContains(Metrics(), "\npolyserve_info{model=\""));
}

TEST_F(HttpCases, StatusCountsTheRequestsOfEachWorkerAndConnection) {
  StartServer({});
  // One client at a time: the page is asked for when the others have left, and counts them for the worker alone.
  const bool stays = can().keeps_clients_apart;
  Peer peer = Connect("http");
  for (int i = 0; stays && i < 3; ++i) peer.Send(kGet);
  if (!stays) {
    peer.Send(absl::StrCat(kGet, kGet, kLast));
    EXPECT_TRUE(peer.AwaitClose());
  }
  nlohmann::json status;
  const auto has_three = [](const nlohmann::json& row) { return row["requests"] == 3; };
  const auto serves = [](const nlohmann::json& worker) { return worker["requests"] >= 3; };
  EXPECT_TRUE(Eventually([&] {
    status = Status();
    int64_t of_workers = 0;
    for (const nlohmann::json& worker : status["workers"]) of_workers += worker["requests"].get<int64_t>();
    return of_workers <= status["services"]["http"]["requests"] &&  // None counts for two workers.
           std::any_of(status["workers"].begin(), status["workers"].end(), serves) &&
           (!stays || std::any_of(status["open"].begin(), status["open"].end(), has_three));
  })) << status;
}

TEST_F(HttpCases, StatusSaysWhichThreadServesWhichConnection) {
  StartServer({});
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  // One client at a time: the page is asked for when the other one has left.
  const std::string service = can().keeps_clients_apart ? "echo" : "http";
  if (!can().keeps_clients_apart) peer.Reset();
  nlohmann::json status;
  const auto is_listed = [&](const nlohmann::json& connection) {
    const auto serves = [&](const nlohmann::json& worker) {
      return worker["pid"] == connection["pid"] && worker["tid"] == connection["tid"] && worker["connections"] >= 1;
    };
    return connection["service"] == service && std::any_of(status["workers"].begin(), status["workers"].end(), serves);
  };
  // A worker of a pool may still be busy with its start.
  EXPECT_TRUE(Eventually([&] {
    status = Status();
    return std::any_of(status["open"].begin(), status["open"].end(), is_listed);
  })) << status;
  const auto is_this_one = [&](const nlohmann::json& connection) {
    return connection["service"] == "http" && connection["tid"] == status["answered_by"]["tid"] &&
           connection["doing"] == "works";
  };
  EXPECT_TRUE(std::any_of(status["open"].begin(), status["open"].end(), is_this_one)) << status;
}

TEST_F(HttpCases, StatusTellsOfTheServersProcesses) {
  StartServer({});
  const nlohmann::json status = Status();
  EXPECT_EQ(status["pid"], server().pid());
  ASSERT_FALSE(status["processes"].empty());
  EXPECT_EQ(status["processes"][0]["pid"], server().pid()) << "the main process comes first";
  EXPECT_GT(status["processes"][0]["rss_bytes"], 0);
  EXPECT_GE(status["cpu_seconds"], status["processes"][0]["cpu_seconds"]);
  EXPECT_EQ(status["stopping"], false);
}

TEST_F(HttpCases, KilledWorkersHaveNoClientsAnyMore) {
  if (!can().survives_crash) GTEST_SKIP() << "by design: a crash ends all";
  StartServer({});
  Peer doomed = Connect("echo");
  EXPECT_TRUE(IsServed(doomed));
  // The second connection is the one that asks for the status.
  EXPECT_TRUE(Eventually([this] { return Status()["connections"]["active"] == 2; }));
  // The list does not say which worker serves which client, so all of them are killed.
  const nlohmann::json status = Status();
  for (const nlohmann::json& worker : status["workers"]) {
    const pid_t pid = worker["pid"];
    if (pid != server().pid()) ::kill(pid, SIGKILL);
  }
  EXPECT_TRUE(doomed.AwaitClose());
  EXPECT_TRUE(Eventually([this] { return Status()["connections"]["active"] == 1; })) << Status();
}

}  // namespace

}  // namespace polyserve
