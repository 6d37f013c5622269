// What the server says where the kernel has no ring for it: one line, before anything is bound, and what to do instead.
// A seccomp filter plays the kernel's part, as it does in most containers.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

// Has io_uring_setup() fail in this process and in what it executes. (async-signal-safe)
template <int kError>
void RefuseRing() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | kError),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

void ExpectRefusal(void (*refuse)(), const std::string& reason) {
  ServerProcess server({.flags = {"--model=uring", "--listen=echo://127.0.0.1:0"}, .before_exec = refuse});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_EQ(server.output(), "");
  const std::string log = server.log();
  EXPECT_EQ(log.find('\n'), log.size() - 1) << log;
  EXPECT_TRUE(absl::StrContains(log, reason)) << log;
  EXPECT_TRUE(absl::StrContains(log, "choose another model")) << log;
}

TEST(UringRefusalTest, ForbiddenRingIsToldBeforeAnythingIsBound) {
  ExpectRefusal(&RefuseRing<EPERM>, "io_uring is not allowed here (Operation not permitted");
}

TEST(UringRefusalTest, KernelWithoutIoUringIsTold) {
  ExpectRefusal(&RefuseRing<ENOSYS>, "io_uring is not allowed here (Function not implemented)");
}

TEST(UringRefusalTest, KernelThatIsTooOldIsToldWithTheOneThatWillDo) {
  ExpectRefusal(&RefuseRing<EINVAL>, "needs Linux 6.0");
}

}  // namespace

}  // namespace polyserve
