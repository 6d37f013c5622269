// Parcels: a text and descriptors, from one end to the other.
#include "net/fd_passing.h"

#include <fcntl.h>
#include <sys/stat.h>
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

}  // namespace
}  // namespace polyserve
