// The load generator over TLS, against the real server: every workload that can be had so, and what it says of its
// handshakes.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

using nlohmann::json;

struct LoadRun {
  int exit_status;
  std::string output;
  json report;  // Not an object if it printed none.
};

class LoadTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.ready()) << server_.log();
    root_.Write("a", "hello");
  }

  static LoadRun Run(absl::string_view workload, absl::string_view server, absl::string_view flags) {
    std::vector<std::string> command = {ProgramPath("client/load/load"),
                                        "--json",
                                        "--warm_up=0",
                                        "--duration=300ms",
                                        absl::StrCat("--workload=", workload),
                                        absl::StrCat("--server=", server)};
    for (const absl::string_view flag : absl::StrSplit(flags, ' ', absl::SkipEmpty())) command.emplace_back(flag);
    const ToolRun run = RunTool(command, testing::TempDir());
    return {run.exit_status, run.output, json::parse(run.output, nullptr, false)};
  }
  // The address of this service over TLS, as --server has it.
  std::string Url(absl::string_view service) const {
    return absl::StrCat(service, "+tls://", server_.address(absl::StrCat(service, "+tls")));
  }

  Scratch root_;
  Scratch here_;
  const std::string certificate_ = [this] {
    const TestCertificate made = MakeTestCertificate("localhost");
    here_.Write("cert.pem", absl::StrCat(made.key, made.certificate));
    return here_.PathOf("cert.pem");
  }();
  ServerProcess server_{
      {.flags = {"--model=epoll", absl::StrCat("--root=", root_.path()), absl::StrCat("--tls_cert=", certificate_),
                 "--listen=echo+tls://127.0.0.1:0,http+tls://127.0.0.1:0,file+tls://127.0.0.1:0,"
                 "compute+tls://127.0.0.1:0,wait+tls://127.0.0.1:0,message+tls://127.0.0.1:0,chat+tls://"
                 "127.0.0.1:0,echo://127.0.0.1:0"}}};
};

TEST_F(LoadTlsTest, WorkloadsGetTheirReplies) {
  for (const auto& [workload, service, flags] :
       {std::make_tuple("echo", "echo", "--size=1000 --idle=5"), std::make_tuple("echo", "echo", "--size=100000"),
        std::make_tuple("churn", "echo", ""), std::make_tuple("http", "http", "--name=a --depth=4"),
        std::make_tuple("http-close", "http", "--name=a"), std::make_tuple("download", "file", "--name=a"),
        std::make_tuple("message", "message", "--size=1000"), std::make_tuple("halves", "file", "--name=a --depth=2"),
        std::make_tuple("library", "file", "--size=3000"), std::make_tuple("compute", "compute", "--primes=100"),
        std::make_tuple("wait", "wait", "--wait=2ms --wait_times=two-humped --depth=2"),
        std::make_tuple("upload", "http", "--size=30000"), std::make_tuple("echo", "echo", "--rate=500")}) {
    SCOPED_TRACE(absl::StrCat(workload, " ", flags));
    const LoadRun run = Run(workload, Url(service), absl::StrCat("--connections=8 --threads=2 ", flags));
    ASSERT_EQ(run.exit_status, 0) << run.output;
    EXPECT_GT(run.report["replies"], 0);
    EXPECT_EQ(run.report["faults"], json::array());
    EXPECT_TRUE(absl::StartsWith(run.report["tls"]["cipher"].get<std::string>(), "TLSv1.3 ")) << run.output;
  }
}

// In the second run more is under way than a record of TLS holds, so that lines are split and joined.
TEST_F(LoadTlsTest, RoomHearsItsSpeaker) {
  for (const char* flags : {"--connections=8 --size=64", "--connections=3 --size=900 --depth=100"}) {
    const LoadRun run = Run("chat", Url("chat"), flags);
    ASSERT_EQ(run.exit_status, 0) << run.output;
    EXPECT_GT(run.report["replies"], 0);
    EXPECT_EQ(run.report["faults"], json::array());
    EXPECT_TRUE(absl::StartsWith(run.report["tls"]["cipher"].get<std::string>(), "TLSv1.3 ")) << run.output;
  }
}

// The users are there before the run, so that their handshakes are not counted; those who come by the log are.
TEST_F(LoadTlsTest, UsersAndRequestsOfALogAreServed) {
  const LoadRun web = Run("web", Url("http"),
                          absl::StrCat("--connections=30 --threads=2 --duration=1s --think_time=100ms --name=web/ "
                                       "--files=",
                                       root_.PathOf("web")));
  ASSERT_EQ(web.exit_status, 0) << web.output;
  EXPECT_GT(web.report["replies"], 0);
  EXPECT_EQ(web.report["faults"], json::array());
  EXPECT_EQ(web.report["tls"]["handshakes"], 0) << web.output;

  root_.Write("log.csv", "time,method,path,bytes,client\n0,GET,/a,5,x\n0.1,GET,/a,5,x\n0.1,GET,/a,5,y\n");
  const LoadRun replay = Run("replay", Url("http"), absl::StrCat("--begin=0 --schedule=", root_.PathOf("log.csv")));
  ASSERT_EQ(replay.exit_status, 0) << replay.output;
  EXPECT_EQ(replay.report["faults"], json::array());
  EXPECT_GE(replay.report["tls"]["handshakes"], 2) << replay.output;
}

TEST_F(LoadTlsTest, MixedMayEncryptEitherOfTheTwo) {
  const LoadRun run = Run("mixed", server_.address("echo"),
                          absl::StrCat("--beside_server=", Url("compute"), " --connections=2 --primes=100"));
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_FALSE(run.report.contains("tls"));
  EXPECT_TRUE(run.report["beside"][0].contains("tls"));
}

TEST_F(LoadTlsTest, EachConnectionShakesHandsAndResumesOnlyIfAsked) {
  for (const bool resumes : {false, true}) {
    const LoadRun run =
        Run("http-close", Url("http"), absl::StrCat("--name=a --connections=4", resumes ? " --tls_resume" : ""));
    ASSERT_EQ(run.exit_status, 0) << run.output;
    const json& tls = run.report["tls"];
    EXPECT_GT(tls["handshakes"], 0);
    // One for each reply; a few are under way at either end.
    EXPECT_LE(tls["handshakes"].get<int64_t>(), run.report["replies"].get<int64_t>() + 8);
    EXPECT_GE(tls["handshakes"].get<int64_t>() + 8, run.report["replies"].get<int64_t>());
    EXPECT_EQ(tls["resumed"], resumes ? tls["handshakes"] : json(0)) << run.output;
  }
}

TEST_F(LoadTlsTest, ConnectionsThatAreKeptShakeHandsBeforeTheyAreCounted) {
  const LoadRun run = Run("http", Url("http"), "--name=a --connections=4");
  ASSERT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(run.report["tls"]["handshakes"], 0);
}

TEST_F(LoadTlsTest, ServerWithoutTlsIsNoConnection) {
  const LoadRun run = Run("echo", absl::StrCat("echo+tls://", server_.address("echo")), "--connections=1");
  EXPECT_EQ(run.exit_status, 3) << run.output;
  EXPECT_TRUE(absl::StrContains(run.output, "connection 1: the connection is lost")) << run.output;
}

TEST_F(LoadTlsTest, WhatCannotBeEncryptedIsRefused) {
  for (const auto& [workload, url] : {std::make_tuple("datagrams", std::string("echo+udp+tls://127.0.0.1:1")),
                                      std::make_tuple("slow", Url("http"))}) {
    const LoadRun run = Run(workload, url, "--connections=1 --name=a");
    EXPECT_EQ(run.exit_status, 2) << run.output;
    EXPECT_TRUE(absl::StrContains(run.output, "cannot be had over TLS")) << run.output;
  }
  EXPECT_EQ(Run("http", Url("echo"), "--name=a").exit_status, 2) << "that is another service";
  EXPECT_EQ(Run("echo", server_.address("echo"), "--tls_resume").exit_status, 2);
}

}  // namespace

}  // namespace polyserve
