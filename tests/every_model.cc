#include "tests/every_model.h"

#include <gflags/gflags.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/eventually.h"
#include "tests/proc.h"
#include "tests/statistics_of.h"

namespace polyserve {

namespace {

// From the command line of this program.
const Model* g_model = nullptr;
Traits g_can;
absl::Status g_availability;
std::vector<std::string> g_model_flags;  // "--model=..." and the flags of the variant.

}  // namespace

const Traits& EveryModelTest::can() { return g_can; }

bool EveryModelTest::has_flag(absl::string_view flag) {
  return std::find(g_model_flags.begin(), g_model_flags.end(), flag) != g_model_flags.end();
}

bool EveryModelTest::takes_flag(absl::string_view name) {
  const std::vector<absl::string_view> own = absl::StrSplit(g_model->flags, ' ');
  return std::find(own.begin(), own.end(), name) != own.end();
}

void EveryModelTest::ServeAlso(absl::string_view service) { absl::StrAppend(&listen_, ",", service, "://127.0.0.1:0"); }

void EveryModelTest::StartServer(std::vector<std::string> flags) {
  StartServer(ServerProcess::Options{.flags = std::move(flags)});
}

void EveryModelTest::StartServer(ServerProcess::Options options) {
  options.flags.insert(options.flags.begin(), g_model_flags.begin(), g_model_flags.end());
  options.flags.insert(options.flags.begin(), listen_);  // The test may say otherwise.
  options.flags.push_back(absl::StrCat("--root=", served_path_));
  server_ = std::make_unique<ServerProcess>(options);
  EXPECT_TRUE(server_->ready());
}

void EveryModelTest::SetUp() {
  if (!g_availability.ok()) GTEST_SKIP() << "not on this system: " << g_availability.message();
}

void EveryModelTest::TearDown() {
  if (server_ == nullptr) return;
  if (!server_->has_exited()) {
    server_->Signal(SIGTERM);
    ExpectCleanExit();
  }
  const std::string log = server_->log();
  EXPECT_FALSE(absl::StrContains(log, "Check failed") || absl::StrContains(log, "Sanitizer"));
}

Peer EveryModelTest::Connect(absl::string_view service) {
  Peer peer(server_->address(service));
  EXPECT_TRUE(peer.connected()) << service;
  return peer;
}

void EveryModelTest::ExpectServesOthers() {
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
}

bool EveryModelTest::IsServed(Peer& peer) {
  peer.Send("ping");
  return peer.Read(4) == "ping";
}

void EveryModelTest::AwaitQuiet() {
  if (!can().sleeps) return;
  int64_t slept = -1;
  EXPECT_TRUE(Eventually([this, &slept] {
    const int64_t before = std::exchange(slept, 0);
    bool all_sleep = true;
    for (const pid_t process : server().processes()) {
      for (const pid_t thread : ThreadsOf(process)) {
        slept += CountSleeps(thread);
        all_sleep = all_sleep && IsAsleep(thread);
      }
    }
    return all_sleep && slept == before;  // A thread that ran since the last look has slept once more.
  }));
}

void EveryModelTest::NoteFootprint() {
  constexpr int kQuiet = 20;  // After this many looks without a change, the client has left.
  ExpectServesOthers();
  AwaitQuiet();  // Workers that are still starting open descriptors later.
  int unchanged = 0;
  EXPECT_TRUE(Eventually([&] {
    const size_t processes = server_->processes().size();
    const size_t descriptors = server_->CountDescriptors();
    unchanged = processes == usual_processes_ && descriptors == usual_descriptors_ ? unchanged + 1 : 0;
    usual_processes_ = processes;
    usual_descriptors_ = descriptors;
    return unchanged == kQuiet;
  }));
}

void EveryModelTest::ExpectFootprint() {
  EXPECT_TRUE(Eventually([this] { return server_->CountZombies() == 0; })) << server_->CountZombies() << " zombies";
  EXPECT_TRUE(Eventually([this] { return server_->processes().size() <= usual_processes_; }))
      << server_->processes().size() << " processes, usually " << usual_processes_;
  EXPECT_TRUE(Eventually([this] { return server_->CountDescriptors() <= usual_descriptors_; }))
      << server_->CountDescriptors() << " descriptors, usually " << usual_descriptors_;
}

absl::StatusOr<Statistics> EveryModelTest::OpenStatistics() { return StatisticsOf(server().pid()); }

void EveryModelTest::ExpectCleanExit() {
  EXPECT_EQ(server_->AwaitExit(), 0);
  EXPECT_TRUE(Eventually([this] { return server_->processes().empty(); }));
}

}  // namespace polyserve

// Takes the server's own flags: --model=NAME first, then the flags of the variant.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  polyserve::g_model_flags.assign(argv + 1, argv + argc);
  const std::string first = argc > 1 ? argv[1] : "";
  const polyserve::Model* model = polyserve::FindModel(absl::StripPrefix(first, "--model="));
  if (model == nullptr) {
    std::fprintf(stderr, "say which model to test: --model=NAME, and flags of its own\n");
    return 2;
  }
  // Asked as the server asks: with the flags of the variant.
  for (size_t i = 1; i < polyserve::g_model_flags.size(); ++i) {
    const std::pair<std::string, std::string> flag =
        absl::StrSplit(absl::StripPrefix(polyserve::g_model_flags[i], "--"), absl::MaxSplits('=', 1));
    gflags::SetCommandLineOption(flag.first.c_str(), flag.second.empty() ? "true" : flag.second.c_str());
  }
  polyserve::g_model = model;
  polyserve::g_can = polyserve::TraitsWithFlags(*model);
  // Any other error is not the system's: the tests must find it.
  const absl::Status status = model->make().status();
  if (absl::IsPermissionDenied(status) || absl::IsUnimplemented(status)) polyserve::g_availability = status;
  return RUN_ALL_TESTS();
}
