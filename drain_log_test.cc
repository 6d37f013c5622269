// The line that says for whom a stopping server waits.
#include "drain_log.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "protocol/http/server_report.h"

namespace polyserve {

namespace {

ServerReport::Connection Upload() {
  return {.process = 1,
          .thread = 1,
          .service = "file",
          .peer = "127.0.0.1:4711",
          .doing = "works",
          .age_seconds = 12.34,
          .requests = 1,
          .bytes = ServerReport::Connection::Bytes{.received = 10, .unread = 0, .acknowledged = 5, .unsent = 0}};
}

ServerReport Report(int64_t active) {
  ServerReport report{.model = "fork", .active = active};
  report.drain = {.grace_seconds_left = 0, .seconds_left = 9.44};
  return report;
}

TEST(DrainLineTest, ServerWithoutClientsSaysNothing) { EXPECT_EQ(DrainLine(Report(0)), ""); }

TEST(DrainLineTest, NamesTheClientsAndWhatTheyHaveDone) {
  ServerReport report = Report(1);
  report.connections = {Upload()};
  EXPECT_EQ(DrainLine(report),
            "stopping: waits for 1 client, for 9.4 s at most: "
            "file 127.0.0.1:4711 (works, open for 12.3 s, received 10 bytes, sent 5)");
}

TEST(DrainLineTest, SaysWhatAPeerHasNotTaken) {
  ServerReport report = Report(1);
  report.drain->seconds_left.reset();
  report.connections = {Upload()};
  report.connections[0].bytes->received = 1;
  report.connections[0].bytes->unsent = 6000;
  EXPECT_EQ(DrainLine(report),
            "stopping: waits for 1 client: "
            "file 127.0.0.1:4711 (works, open for 12.3 s, received 1 byte, sent 5, not taken yet 6000)");
}

TEST(DrainLineTest, CountsThoseThatItDoesNotList) {
  ServerReport report = Report(4);
  report.connections = {Upload(), Upload()};
  for (ServerReport::Connection& connection : report.connections) connection.bytes.reset();
  report.listeners = {{"file", false, "127.0.0.1:8081", 2, 128}, {"http", false, "127.0.0.1:8080", 1, 128}};
  EXPECT_EQ(DrainLine(report),
            "stopping: waits for 4 clients, for 9.4 s at most: file 127.0.0.1:4711 (works, open for 12.3 s), "
            "file 127.0.0.1:4711 (works, open for 12.3 s) and 2 others; 3 more wait to be accepted");
}

TEST(DrainLineTest, UdpPeersAreCountedOnly) {
  EXPECT_EQ(DrainLine(Report(2)), "stopping: waits for 2 clients, for 9.4 s at most");
}

TEST(DrainLineTest, IsShortWhateverTheConnectionsAre) {
  ServerReport report = Report(1'000'000);
  ServerReport::Connection widest = Upload();
  widest.service = "file-unframed";
  widest.peer = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%interface]:65535";
  widest.doing = "closes";
  widest.age_seconds = 1e9;
  widest.bytes = {.received = INT64_MAX, .unread = 0, .acknowledged = INT64_MAX, .unsent = INT64_MAX};
  for (int i = 0; i < 5; ++i) report.connections.push_back(widest);
  EXPECT_LE(DrainLine(report).size(), 1200);
}

}  // namespace

}  // namespace polyserve
