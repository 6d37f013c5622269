// A tally on its way from an agent to its coordinator: nothing is lost, and nothing that contradicts itself is taken.
#include "client/load/tally_json.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/load/histogram.h"
#include "client/load/plan.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using nlohmann::json;

LoadPlan Share() {
  LoadPlan share;
  share.connections = 3;
  share.idle_connections = 2;
  share.duration = absl::Milliseconds(2500);
  share.keeps_rows = true;
  share.beside.resize(1);
  share.beside[0].duration = share.duration;
  return share;
}

// No field is what it is in a tally of nothing.
LoadTally FullTally() {
  LoadTally tally;
  uint64_t value = 1000;
  for (Histogram* histogram : {&tally.service, &tally.response, &tally.lateness}) {
    for (int i = 0; i < 100; ++i) histogram->Add(value = value * 17 % 1'000'003);
  }
  for (uint64_t* count :
       {&tally.replies, &tally.replies_in_all, &tally.bytes_in, &tally.due, &tally.overdue, &tally.unanswered,
        &tally.wrong, &tally.broken, &tally.not_connected, &tally.reconnections, &tally.asked_again, &tally.tries,
        &tally.refused, &tally.gave_up, &tally.failed, &tally.handshakes, &tally.resumed}) {
    *count = ++value;
  }
  tally.causes = {{"Connection refused", 5}, {"closed by the server", 6}};
  tally.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  tally.connected = 5;
  tally.per_interval = {10, 20, 5};
  tally.response_per_interval.resize(3);
  tally.response_per_interval[1].Add(123'456'789);
  tally.per_connection = {11, 12, 13};
  tally.seconds = 2.4;
  tally.busiest_thread = 0.1;
  tally.waited_for_processor = 0.3;
  tally.interrupted = true;
  tally.faults = {"the upload /a cannot be read back"};
  tally.beside.resize(1);
  tally.beside[0].replies = 7;
  tally.beside[0].response.Add(9);
  return tally;
}

void ExpectSame(const LoadTally& a, const LoadTally& b) {
  for (const auto member : {&LoadTally::service, &LoadTally::response, &LoadTally::lateness}) {
    EXPECT_EQ((a.*member).Buckets(), (b.*member).Buckets());
    EXPECT_EQ((a.*member).sum(), (b.*member).sum());
  }
  for (const auto member :
       {&LoadTally::replies, &LoadTally::replies_in_all, &LoadTally::bytes_in, &LoadTally::due, &LoadTally::overdue,
        &LoadTally::unanswered, &LoadTally::wrong, &LoadTally::broken, &LoadTally::not_connected,
        &LoadTally::reconnections, &LoadTally::asked_again, &LoadTally::tries, &LoadTally::refused, &LoadTally::gave_up,
        &LoadTally::failed, &LoadTally::handshakes, &LoadTally::resumed}) {
    EXPECT_EQ(a.*member, b.*member);
  }
  EXPECT_EQ(a.causes, b.causes);
  EXPECT_EQ(a.tls, b.tls);
  EXPECT_EQ(a.connected, b.connected);
  EXPECT_EQ(a.per_interval, b.per_interval);
  EXPECT_EQ(a.per_connection, b.per_connection);
  EXPECT_EQ(a.seconds, b.seconds);
  EXPECT_EQ(a.busiest_thread, b.busiest_thread);
  EXPECT_EQ(a.waited_for_processor, b.waited_for_processor);
  EXPECT_EQ(a.interrupted, b.interrupted);
  EXPECT_EQ(a.faults, b.faults);
  ASSERT_EQ(a.response_per_interval.size(), b.response_per_interval.size());
  for (size_t i = 0; i < a.response_per_interval.size(); ++i) {
    EXPECT_EQ(a.response_per_interval[i].Buckets(), b.response_per_interval[i].Buckets());
  }
  ASSERT_EQ(a.beside.size(), b.beside.size());
  for (size_t i = 0; i < a.beside.size(); ++i) ExpectSame(a.beside[i], b.beside[i]);
}

TEST(TallyJsonTest, NothingIsLostOnTheWay) {
  const std::string sent = TallyAsJson(FullTally()).dump();
  const absl::StatusOr<LoadTally> tally = TallyFromJson(json::parse(sent), Share());
  ASSERT_TRUE(tally.ok()) << tally.status();
  ExpectSame(*tally, FullTally());
  LoadPlan share;
  ASSERT_TRUE(TallyFromJson(TallyAsJson(LoadTally()), share).ok()) << "nor of a run that was interrupted at once";
}

TEST(TallyJsonTest, AgentMayHaveAsManyConnectionsAsItsShare) {
  LoadPlan share = Share();
  share.idle_connections = 2'000'000;
  LoadTally tally = FullTally();
  tally.connected = share.connections + share.idle_connections;
  const absl::StatusOr<LoadTally> taken = TallyFromJson(TallyAsJson(tally), share);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->connected, 2'000'003);
}

TEST(TallyJsonTest, EveryFieldHasToBeThere) {
  const json good = TallyAsJson(FullTally());
  for (const auto& [name, value] : good.items()) {
    for (const json& other : {json(), json(-1), json("x"), json({{"a", 1}}), json({-1}), json(1e300)}) {
      if (other.type() == value.type() && !other.is_array()) continue;
      json bad = good;
      bad[name] = other;
      EXPECT_FALSE(TallyFromJson(bad, Share()).ok()) << name << " " << other;
    }
    json bad = good;
    bad.erase(name);
    EXPECT_FALSE(TallyFromJson(bad, Share()).ok()) << name;
  }
}

TEST(TallyJsonTest, WhatCannotBeIsRefused) {
  const std::vector<std::function<void(json&)>> lies = {
      [](json& tally) { tally = json::array(); },
      [](json& tally) { tally["replies"] = uint64_t{1} << 60; },
      [](json& tally) { tally["seconds"] = 3; },
      [](json& tally) { tally["connected"] = 6; },
      [](json& tally) {
        tally["per_connection"] = {1, 2, 3, 4};
      },
      [](json& tally) {
        tally["per_interval"] = {1, 2, 3, 4};
      },
      [](json& tally) { tally["response_per_interval"].erase(0); },
      [](json& tally) { tally["response_per_interval"][0] = 1; },
      [](json& tally) { tally["response"]["buckets"] = {5}; },
      [](json& tally) {
        tally["response"]["buckets"] = {5, 1, 4, 1};
      },
      [](json& tally) { tally["response"]["sum"] = 1e18; },
      [](json& tally) {
        tally["causes"] = {{"x", "many"}};
      },
      [](json& tally) { tally["faults"] = {1}; },
      [](json& tally) { tally["beside"] = json::array(); },
      [](json& tally) { tally["beside"][0]["replies"] = -1; },
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    json tally = TallyAsJson(FullTally());
    lies[i](tally);
    EXPECT_FALSE(TallyFromJson(tally, Share()).ok()) << "lie " << i;
  }
  LoadPlan without_rows = Share();
  without_rows.keeps_rows = false;
  EXPECT_FALSE(TallyFromJson(TallyAsJson(FullTally()), without_rows).ok());
}

TEST(TallyJsonTest, TextsCannotMoveTheTerminalsCursor) {
  LoadTally tally = FullTally();
  tally.faults = {"\x1b[2J"};
  tally.causes = {{"\r", 1}};
  const absl::StatusOr<LoadTally> taken = TallyFromJson(TallyAsJson(tally), Share());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->faults[0], "\\x1b[2J");
  EXPECT_EQ(taken->causes.begin()->first, "\\x0d");
}

}  // namespace
}  // namespace polyserve
