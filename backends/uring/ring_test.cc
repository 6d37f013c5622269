// UringRing: what happens when a full queue cannot be submitted. What the ring does for connections is tested with the
// model.
#include "backends/uring/ring.h"

#include <liburing.h>

#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr int kMoreThanTheQueueHolds = 5000;

// The kernel refuses whatever another thread submits. A ring that tried again and again would not come to an end, and
// run into the test's time-out.
TEST(UringRingTest, FullQueueThatTheKernelRefusesIsAnErrorOfTheNextSubmission) {
  const absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create();
  if (!ring.ok()) GTEST_SKIP() << ring.status();
  absl::Status status;
  std::thread([&ring, &status] {
    for (int i = 0; i < kMoreThanTheQueueHolds; ++i) io_uring_prep_nop((*ring)->Prepare(Tag(Operation::kUnwatched)));
    status = (*ring)->Submit();
  }).join();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ((*ring)->SubmitAndWait(), status);
}

}  // namespace
}  // namespace polyserve
