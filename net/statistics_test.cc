// The counters of several workers: each counts for itself, and the sums are of all.
#include "net/statistics.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "net/worker_slots.h"

namespace polyserve {

namespace {

TEST(StatisticsTest, TotalIsTheSumOverTheServerAndItsWorkers) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  const Statistics first = server->OfWorker(0);
  const Statistics last = server->OfWorker(Statistics::kMaxWorkers - 1);
  Counters::Add(server->counters().accepted, 1);
  Counters::Add(first.counters().accepted, 10);
  Counters::Add(first.counters().ended, 4);
  Counters::Add(last.counters().bytes_in, 7);
  for (const Statistics& any : {*server, first, last}) {
    EXPECT_EQ(any.Total().accepted, 11);
    EXPECT_EQ(any.Total().active(), 7);
    EXPECT_EQ(any.Total().bytes_in, 7);
  }
  EXPECT_EQ(first.counters().accepted, 10);
  EXPECT_EQ(server->ToString(), "accepted 11, active 7, refused 0, bytes in 7, bytes out 0");
}

TEST(StatisticsTest, WorkerThatIsAskedForAgainGoesOnCounting) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  Counters::Add(server->OfWorker(3).counters().refused, 1);
  Counters::Add(server->OfWorker(3).counters().refused, 1);
  EXPECT_EQ(server->Total().refused, 2);
}

TEST(StatisticsTest, WhatAKilledWorkerHadOpenHasEnded) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  Counters::Add(server->counters().accepted, 1);
  Counters::Add(server->OfWorker(1).counters().accepted, 5);
  Counters::Add(server->OfWorker(1).counters().ended, 2);
  EXPECT_EQ(server->CountLost(1, 1), 2);
  EXPECT_EQ(server->Total().active(), 2);
  EXPECT_EQ(server->CountLost(1, 0), 1);
  EXPECT_EQ(server->Total().active(), 1);
}

// What RequestsOf() says of the workers that are listed, in the order of their slots.
std::vector<std::optional<int64_t>> RequestsOfWorkers(const Statistics& server) {
  std::vector<std::optional<int64_t>> requests;
  for (const WorkerSlots::Worker& worker : server.places().List()) requests.push_back(server.RequestsOf(worker));
  return requests;
}

TEST(StatisticsTest, RequestsOfAWorkerAreThoseSinceItBegan) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  const Statistics first = server->OfWorker(0);
  const Statistics second = server->OfWorker(1);
  Counters::Add(OfService(second.counters(), 3).requests, 100);  // Of the worker that had the row before.
  const WorkerSlot first_slot(first);
  const WorkerSlot second_slot(second);
  Counters::Add(OfService(first.counters(), 3).requests, 2);
  Counters::Add(OfService(first.counters(), 4).requests, 5);
  Counters::Add(OfService(second.counters(), 3).requests, 1);
  EXPECT_EQ(RequestsOfWorkers(*server), (std::vector<std::optional<int64_t>>{7, 1}));
}

TEST(StatisticsTest, RequestsOfAWorkerThatSharesItsRowAreNotKnown) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  const WorkerSlot newcomer(server->OfNewcomer(0));
  Counters::Add(server->OfNewcomer(0).counters().requests, 2);
  EXPECT_EQ(RequestsOfWorkers(*server), (std::vector<std::optional<int64_t>>{std::nullopt}));
}

// One client at a time, which is served by one worker and then by the other.
TEST(StatisticsTest, QueuesAddUpAndAKilledWorkerHasNoneAnyMore) {
  const absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok());
  const Statistics first = server->OfWorker(0);
  const Statistics last = server->OfWorker(Statistics::kMaxWorkers - 1);
  first.queue().tasks = 10;
  first.queue().waiting = 2;
  first.queue().longest = 5;
  last.queue().tasks = 1;
  last.queue().waiting = 1;
  last.queue().longest = 1;
  EXPECT_EQ(server->TotalOfQueues().tasks, 11);
  EXPECT_EQ(server->TotalOfQueues().waiting, 3);
  EXPECT_EQ(server->TotalOfQueues().longest, 5);
  server->CountLost(0, 0);
  EXPECT_EQ(server->TotalOfQueues().waiting, 1);
  EXPECT_EQ(server->TotalOfQueues().tasks, 11);
}

TEST(StatisticsTest, NoMoreSeemActiveThanThereEverWere) {
  absl::StatusOr<Statistics> server = Statistics::Create();
  ASSERT_TRUE(server.ok()) << server.status();
  Counters* const rows[] = {&server->OfWorker(1).counters(), &server->OfWorker(2).counters()};
  std::atomic<bool> stops{false};
  std::thread clients([&] {
    for (int i = 0; !stops; ++i) {
      Counters::Add(rows[i % 2]->accepted, 1);
      Counters::Add(rows[i % 2]->ended, 1);
    }
  });
  int64_t most = 0;
  for (int i = 0; i < 100'000; ++i) most = std::max(most, server->Total().active());
  stops = true;
  clients.join();
  EXPECT_LE(most, 1);
}

}  // namespace

}  // namespace polyserve
