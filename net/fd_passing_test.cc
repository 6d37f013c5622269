// Parcels: a text and descriptors, from one end to the other.
#include "net/fd_passing.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(FdPassingTest, HandsOverCopiesInOrder) {
  auto sockets = MakeParcelSockets();
  ASSERT_TRUE(sockets.ok());
  const UniqueFd null(::open("/dev/null", O_RDONLY)), zero(::open("/dev/zero", O_RDONLY));
  ASSERT_TRUE(SendParcel(sockets->first.get(), "two of them", {null.get(), zero.get()}).ok());
  const absl::StatusOr<Parcel> parcel = ReceiveParcel(sockets->second.get());
  ASSERT_TRUE(parcel.ok()) << parcel.status();
  EXPECT_EQ(parcel->text, "two of them");
  ASSERT_EQ(parcel->descriptors.size(), 2u);
  struct stat sent, received;
  ::fstat(zero.get(), &sent);
  ::fstat(parcel->descriptors[1].get(), &received);
  EXPECT_EQ(sent.st_rdev, received.st_rdev);
  EXPECT_NE(::fcntl(parcel->descriptors[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(FdPassingTest, KeepsParcelsApart) {
  auto sockets = MakeParcelSockets();
  ASSERT_TRUE(SendParcel(sockets->first.get(), "one", {}).ok());
  ASSERT_TRUE(SendParcel(sockets->first.get(), "two", {}).ok());
  EXPECT_EQ(ReceiveParcel(sockets->second.get())->text, "one");
  EXPECT_EQ(ReceiveParcel(sockets->second.get())->text, "two");
}

TEST(FdPassingTest, TellsThatTheOtherEndIsGone) {
  auto sockets = MakeParcelSockets();
  sockets->first.reset();
  EXPECT_TRUE(absl::IsCancelled(ReceiveParcel(sockets->second.get()).status()));
}

// The limit is that of a user without privileges, so another process becomes one.
TEST(FdPassingTest, TellsThatTooManyDescriptorsAreUnderWay) {
  auto sockets = MakeParcelSockets();
  ASSERT_TRUE(sockets.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    [[maybe_unused]] const int other_user = ::setresuid(65534, 65534, 65534);
    const rlimit few = {8, 8};
    ::setrlimit(RLIMIT_NOFILE, &few);
    absl::Status status;
    for (int i = 0; i < 64 && status.ok(); ++i) status = SendParcelAtOnce(sockets->first.get(), "one", {0});
    ::_exit(absl::IsResourceExhausted(status) ? 0 : 1);
  }
  int wait_status = 0;
  ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
  EXPECT_EQ(wait_status, 0);
}

}  // namespace
}  // namespace polyserve
