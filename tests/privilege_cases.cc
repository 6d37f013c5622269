// What a server gives up: rights that programs could get through it, and those of root (--user).
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

// user_namespaces(7): in one whose maker was nobody in particular, as that of Bazel's sandbox, it is refused.
bool MayChangeGroups() {
  std::ifstream stream("/proc/self/setgroups");
  std::string answer;
  return ::geteuid() == 0 && (!(stream >> answer) || answer == "allow");
}

class PrivilegeTest : public EveryModelTest {
 protected:
  // Expects this line of proc(5) of all processes of the server, the room's hub and helpers among them.
  void ExpectOfAll(absl::string_view line) {
    AwaitQuiet();
    for (const pid_t process : server().processes()) {
      const std::string status = ReadProc(process, "status");
      // One that has just ended has no status.
      EXPECT_TRUE(status.empty() || absl::StrContains(status, line)) << line << " is missing of\n" << status;
    }
  }
};

TEST_F(PrivilegeTest, NoProgramThatAProcessStartsGetsMoreRights) {
  ServeAlso("chat");
  StartServer();
  ExpectServesOthers();
  ExpectOfAll("\nNoNewPrivs:\t1\n");
}

TEST_F(PrivilegeTest, NoProcessKeepsAnythingOfRoot) {
  if (!MayChangeGroups()) GTEST_SKIP() << "only root, outside of a sandbox, can become another user";
  ASSERT_EQ(::chmod(root().path().c_str(), 0755), 0);
  root().Write("a", "content");
  ServeAlso("chat");
  StartServer({"--user=nobody"});
  Peer peer = Connect("file");
  peer.Send("G a\n");
  EXPECT_EQ(peer.Read(12), "OK 7\ncontent");
  ExpectOfAll("\nUid:\t65534\t65534\t65534\t65534\n");
  ExpectOfAll("\nGid:\t65534\t65534\t65534\t65534\n");
  ExpectOfAll("\nCapPrm:\t0000000000000000\n");
  ExpectOfAll("\nCapEff:\t0000000000000000\n");
  // What belongs to root alone is root's.
  peer.Send("P b 1\nx");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 403 "));
}

}  // namespace

}  // namespace polyserve
