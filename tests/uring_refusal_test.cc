// What the server says if the kernel refuses it a ring: one line, before anything is bound, and what to do instead.
// A seccomp filter plays the kernel's part, as it does in most containers.
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/refuse_call.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

void ExpectRefusal(int error, const std::string& reason) {
  ServerProcess server({.flags = {"--model=uring", "--listen=echo://127.0.0.1:0"},
                        .before_exec = [error] { RefuseCall(SYS_io_uring_setup, error); }});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_EQ(server.output(), "");
  const std::string log = server.log();
  EXPECT_EQ(log.find('\n'), log.size() - 1) << log;
  EXPECT_TRUE(absl::StrContains(log, reason)) << log;
  EXPECT_TRUE(absl::StrContains(log, "choose another model")) << log;
}

TEST(UringRefusalTest, ForbiddenRingIsToldBeforeAnythingIsBound) {
  ExpectRefusal(EPERM, "io_uring is not allowed here (Operation not permitted");
}

// Podman's profile says the same.
TEST(UringRefusalTest, KernelWithoutIoUringIsTold) {
  ExpectRefusal(ENOSYS, "io_uring is not allowed here (Function not implemented; see the kernel's configuration, or");
}

TEST(UringRefusalTest, KernelThatIsTooOldIsToldWithTheOneThatWillDo) { ExpectRefusal(EINVAL, "needs Linux 6.0"); }

TEST(UringRefusalTest, DeferredTaskWorkThatTheKernelDoesNotKnowIsTold) {
  ServerProcess server({.flags = {"--model=uring", "--defer_taskrun", "--listen=echo://127.0.0.1:0"},
                        .before_exec = [] { RefuseCall(SYS_io_uring_setup, EINVAL); }});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_EQ(server.output(), "");
  EXPECT_TRUE(absl::StrContains(server.log(), "--defer_taskrun needs Linux 6.1")) << server.log();
}

}  // namespace

}  // namespace polyserve
