// UringRing: what happens when a full queue cannot be submitted, and the buffers of bundles. What the ring does for
// connections is tested with the model.
#include "backends/uring/ring.h"

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/uring/provided_buffers.h"
#include "base/unique_fd.h"
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

// A pair of sockets; what is written to the one is received at the other by an operation that stays armed.
class BundleTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<UringRing>> ring = UringRing::Create({.bundles = true});
    if (!ring.ok()) GTEST_SKIP() << ring.status();
    ring_ = *std::move(ring);
    for (Pair& pair : pairs_) {
      std::array<int, 2> ends = {};
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
      pair.ours = UniqueFd(ends[0]);
      pair.theirs = UniqueFd(ends[1]);
    }
  }

  struct alignas(kTagAlignment) Pair {
    UniqueFd ours;
    UniqueFd theirs;
    std::string received;
    bool has_ended = false;
    size_t most_at_once = 0;  // Buffers of one completion.
  };

  void Receive(Pair& pair) {
    io_uring_sqe* receive = ring_->Prepare(Tag(Operation::kReceive, &pair));
    io_uring_prep_recv_multishot(receive, pair.theirs.get(), nullptr, 0, 0);
    receive->buf_group = UringBuffers::kRequests;
    receive->ioprio |= 1U << 4;  // IORING_RECVSEND_BUNDLE
    receive->flags |= IOSQE_BUFFER_SELECT;
  }

  // Waits for a batch, and takes it.
  void TakeBatch() {
    ASSERT_TRUE(ring_->SubmitAndWait().ok());
    ring_->TakeCompletions([this](const io_uring_cqe& completion) {
      Pair& pair = ObjectOf<Pair>(completion);
      const int count = ring_->buffers().CountOf(completion);
      for (int i = 0; i < count; ++i) absl::StrAppend(&pair.received, ring_->buffers().BytesOf(completion, i));
      pair.most_at_once = std::max(pair.most_at_once, static_cast<size_t>(count));
      pair.has_ended = completion.res == 0;
      ring_->buffers().GiveBack(completion);
      if (!pair.has_ended && (completion.flags & IORING_CQE_F_MORE) == 0) Receive(pair);
    });
  }

  std::unique_ptr<UringRing> ring_;
  std::array<Pair, 3> pairs_;
};

// The buffers come back in another order than they were lent in, since the sockets take turns, and all are used many
// times over.
TEST_F(BundleTest, EverySocketGetsItsBytesInTheirOrder) {
  constexpr int kRounds = 400;
  for (Pair& pair : pairs_) Receive(pair);
  std::array<std::string, 3> sent;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const size_t bytes = 1 + (static_cast<size_t>(round) * 977 + i * 5003) % 20000;
      std::string piece;
      while (piece.size() < bytes) absl::StrAppend(&piece, round, "-", i, "-", piece.size(), " ");
      ASSERT_EQ(::write(pairs_[i].ours.get(), piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
      sent[i] += piece;
    }
    while (pairs_[0].received.size() < sent[0].size() || pairs_[1].received.size() < sent[1].size() ||
           pairs_[2].received.size() < sent[2].size()) {
      TakeBatch();
    }
  }
  for (size_t i = 0; i < pairs_.size(); ++i) {
    EXPECT_TRUE(pairs_[i].received == sent[i]) << i;
    EXPECT_GT(pairs_[i].most_at_once, 1u);
  }
}

// An end takes no buffer: as many ends as there are buffers leave all of them to those that still send.
TEST_F(BundleTest, EndsOfManyConnectionsUseUpNoBuffer) {
  constexpr int kMoreThanThereAreBuffers = 1500;
  for (int i = 0; i < kMoreThanThereAreBuffers; ++i) {
    std::array<int, 2> ends = {};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    Pair& pair = pairs_[0];
    pair.ours = UniqueFd(ends[0]);
    pair.theirs = UniqueFd(ends[1]);
    pair.has_ended = false;
    Receive(pair);
    pair.ours = UniqueFd();
    while (!pair.has_ended) TakeBatch();
  }
  Receive(pairs_[1]);
  const std::string all(1000 * UringBuffers::kRequestBytes, 'x');
  std::thread writer([&] {
    for (size_t done = 0; done < all.size();) {
      const ssize_t count = ::write(pairs_[1].ours.get(), all.data() + done, all.size() - done);
      ASSERT_GT(count, 0);
      done += static_cast<size_t>(count);
    }
  });
  while (pairs_[1].received.size() < all.size()) TakeBatch();
  writer.join();
  EXPECT_TRUE(pairs_[1].received == all);
}

}  // namespace
}  // namespace polyserve
