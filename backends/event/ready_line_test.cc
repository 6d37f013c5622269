// ReadyLine: in which order the clients of a loop have their turns, and which of them are refused.
#include "backends/event/ready_line.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/event/event_client.h"
#include "backends/overload/overload_options.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/progress_watch.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

class Client final : public EventClient {
 public:
  Client(EventShared& shared, char name, bool is_request)
      : EventClient(UniqueFd(), shared, kNoService), name_(name), is_request_(is_request) {}

  char name() const { return name_; }

  bool may_be_refused() const override { return is_request_; }
  void OnEvents(uint8_t) override {}
  void OnTurn() override {}
  void OnPauseOver() override {}
  void OnTimer() override {}
  void OnStop() override {}
  void OnReady() override {}
  void Drop() override {}

 private:
  Debt debt() const override { return Debt::kNothing; }

  const char name_;
  const bool is_request_;
};

class ReadyLineTest : public testing::Test {
 protected:
  ReadyLineTest() : poller_(EpollPoller::Create(Trigger::kLevel).value()) {
    shared_.poller = poller_.get();
    shared_.counters = &counters_;
  }

  void Use(const OverloadOptions& options) {
    line_ = std::make_unique<ReadyLine>(options, queue_);
    shared_.line = line_.get();
  }

  // Clients with these names become ready; a lower-case letter is a request, another one may not be refused.
  void Add(const std::string& names) {
    for (const char name : names) {
      clients_.push_back(std::make_unique<Client>(shared_, name, name >= 'a'));
      line_->Add(*clients_.back());
    }
  }

  // The names in the order of their turns, those that are refused with a "!".
  std::string TakeAll() {
    std::string all;
    for (ReadyLine::Turn turn = line_->Take(); turn.client != nullptr; turn = line_->Take()) {
      all += static_cast<Client*>(turn.client)->name();
      if (turn.refused_as != nullptr) all += '!';
    }
    EXPECT_TRUE(line_->empty());
    EXPECT_EQ(queue_.waiting, 0);
    return all;
  }

  const std::unique_ptr<Poller> poller_;
  Counters counters_;
  QueueCounters queue_;
  EventShared shared_;
  std::unique_ptr<ReadyLine> line_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(ReadyLineTest, RequestThatFindsTheLineFullIsRefusedFirst) {
  Use({.rule = Overload::kRefuse, .most_waiting = 2});
  Add("abc");
  EXPECT_EQ(TakeAll(), "c!ab");
}

TEST_F(ReadyLineTest, WhatMayNotBeRefusedWaitsInItsOrderThoughTheLineIsFull) {
  Use({.rule = Overload::kRefuse, .most_waiting = 1});
  Add("aXbY");
  EXPECT_EQ(TakeAll(), "b!aXY");
}

TEST_F(ReadyLineTest, OldestThatMayNotBeRefusedTakesTurnsWithTheNewest) {
  Use({.rule = Overload::kNewest, .most_waiting = 2});
  Add("XYZabc");
  EXPECT_EQ(TakeAll(), "a!XcYbZ");
}

TEST_F(ReadyLineTest, LineIsServedHoweverManyAreRefused) {
  Use({.rule = Overload::kRefuse, .most_waiting = 1});
  Add("a" + std::string(1000, 'b'));
  EXPECT_LT(TakeAll().find('a'), 200U);
}

TEST_F(ReadyLineTest, ClientThatEndsWhileItWaitsLeaves) {
  Use({.rule = Overload::kRefuse, .most_waiting = 3});
  Add("abc");
  clients_.erase(clients_.begin() + 1);
  EXPECT_EQ(queue_.waiting, 2);
  Add("de");
  EXPECT_EQ(TakeAll(), "e!acd");
}

}  // namespace

}  // namespace polyserve
