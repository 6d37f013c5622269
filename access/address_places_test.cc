// The bound of connections of an address: it holds over threads and processes, and outlives the latter.
#include "access/address_places.h"

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr int kMost = 3;
constexpr uint64_t kAddress = 0x1234'5678'9abc'def0;
constexpr uint64_t kNeighbour = 0x1234'5678'0000'0001;  // Its places are the same.

class AddressPlacesTest : public testing::Test {
 protected:
  // In memory that forked children share, as the server's is.
  void SetUp() override {
    constexpr size_t kBytes = sizeof(AddressPlaces::Table);
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    table_ = static_cast<AddressPlaces::Table*>(memory);
  }
  void TearDown() override { ::munmap(table_, sizeof(AddressPlaces::Table)); }

  AddressPlaces places() const { return AddressPlaces(*table_, kMost); }
  std::vector<AddressPlaces::Place> Fill(uint64_t address) const {
    std::vector<AddressPlaces::Place> taken;
    for (int i = 0; i < kMost; ++i) taken.push_back(places().Enter(address));
    for (const AddressPlaces::Place& place : taken) EXPECT_FALSE(place.is_refused());
    return taken;
  }

  AddressPlaces::Table* table_ = nullptr;
};

TEST_F(AddressPlacesTest, AddressHasItsPlacesAndNoMore) {
  std::vector<AddressPlaces::Place> taken = Fill(kAddress);
  EXPECT_TRUE(places().Enter(kAddress).is_refused());
  taken.pop_back();
  const AddressPlaces::Place next = places().Enter(kAddress);
  EXPECT_FALSE(next.is_refused());
  EXPECT_TRUE(places().Enter(kAddress).is_refused());
}

TEST_F(AddressPlacesTest, RefusalTakesNoPlace) {
  std::vector<AddressPlaces::Place> taken = Fill(kAddress);
  for (int i = 0; i < AddressPlaces::kMaxPlaces; ++i) ASSERT_TRUE(places().Enter(kAddress).is_refused());
  taken.clear();
  Fill(kAddress);
}

TEST_F(AddressPlacesTest, AddressesDoNotSufferForEachOther) {
  const std::vector<AddressPlaces::Place> taken = Fill(kAddress);
  Fill(kNeighbour);
}

TEST_F(AddressPlacesTest, PlacesOfAProcessThatIsGoneComeBack) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<AddressPlaces::Place> taken = Fill(kAddress);
    ::_exit(0);  // Without destructors, as if it had been killed.
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  Fill(kAddress);
}

TEST_F(AddressPlacesTest, BoundIsNeverExceededHoweverManyComeAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        // Counted within the life of the place, so that no count is higher than the number of places was.
        const AddressPlaces::Place first = places().Enter(kAddress);
        const AddressPlaces::Place second = places().Enter(kAddress);
        const int own = (first.is_refused() ? 0 : 1) + (second.is_refused() ? 0 : 1);
        const int now = inside.fetch_add(own) + own;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
        }
        inside.fetch_sub(own);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, kMost);
  EXPECT_GT(most, 0);
  Fill(kAddress);
}

// A table that others have filled is no reason to refuse anyone.
TEST_F(AddressPlacesTest, ConnectionThatFindsNoPlaceIsServed) {
  for (std::atomic<uint64_t>& place : table_->places) place = uint64_t{static_cast<uint32_t>(::getpid())} << 32 | 7;
  EXPECT_FALSE(places().Enter(kAddress).is_refused());
}

}  // namespace

}  // namespace polyserve
