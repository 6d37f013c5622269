// The server's own pages: their contents, and which requests get them.
#include "protocol/http/status_pages.h"

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/http/server_report.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

ServerReport SomeReport() {
  return {.model = "fork",
          .uptime_seconds = 1.5,
          .accepted = 10,
          .active = 2,
          .refused = 1,
          .lost_log_lines = 4,
          .lost_server_log_lines = 5,
          .left_out_server_log_lines = 6,
          .wrong_passwords = 8,
          .refused_logins = 9,
          .handshakes = {.full = 10, .resumed = 11, .failed = 12},
          .proxy_headers = {.client = 13, .own = 14, .malformed = 15, .late = 16},
          .bounds = {{"min_rate", 4}},
          .queue = {30, 2, 9, 1.25, 0.5, 7, 6, 5},
          .stages = {{"read", {20, 1, 9}}, {"write", {10, 1, 3}}},
          .workers = {{100, 100}, {101, 102, 1, 20, 0.25}},
          .services = {{"http", 7, 20, 3, 1000, 50000}, {"echo", 3, 4, 0, 5, 6}},
          .process = 100,
          .answering_process = 101,
          .answering_thread = 102,
          .processors = 2,
          .cpu_seconds = 0.75,
          .max_file_bytes = 5000,
          .quota = ServerReport::Quota{.used_bytes = 70, .most_bytes = 90},
          .keeps_others_out = "pool",
          .flags = {{"reap", "wait"}},
          .listeners = {{"http", false, "127.0.0.1:8080", 3, 128}, {"tftp", true, "127.0.0.1:8087"}},
          .processes = {{100, 1, "server", 1, 0.5, 4000, 3000},
                        {101, 100,
                         "a\xFF"
                         "b",
                         2, 0.25, 5000, std::nullopt}},
          .connections = {
              {101, 102, "http", "127.0.0.1:4711", "works", 1.5, 3, ServerReport::Connection::Bytes{9, 8, 7, 6}},
              {101, 102, "echo", "127.0.0.1:4712", "waits", 0.5, 0, std::nullopt, "10.0.0.1:5000"}}};
}

class HttpOwnPagesTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    site_options_.report = &SomeReport;
  }
};

TEST_F(HttpOwnPagesTest, StatusIsJson) {
  const std::string reply = Get("/-/status");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(FieldOf(reply, "Content-Type"), "application/json");
  EXPECT_EQ(FieldOf(reply, "Cache-Control"), "no-store");
  const nlohmann::json status = nlohmann::json::parse(ContentOf(reply));
  EXPECT_EQ(status["model"], "fork");
  EXPECT_EQ(status["uptime_seconds"], 1.5);
  EXPECT_EQ(status["connections"]["accepted"], 10);
  EXPECT_EQ(status["connections"]["active"], 2);
  EXPECT_EQ(status["connections"]["refused"], 1);
  EXPECT_EQ(status["lost_log_lines"], 4);
  EXPECT_EQ(status["lost_server_log_lines"], 5);
  EXPECT_EQ(status["left_out_server_log_lines"], 6);
  EXPECT_EQ(status["logins"]["wrong"], 8);
  EXPECT_EQ(status["logins"]["refused"], 9);
  EXPECT_EQ(status["tls_handshakes"]["full"], 10);
  EXPECT_EQ(status["tls_handshakes"]["resumed"], 11);
  EXPECT_EQ(status["tls_handshakes"]["failed"], 12);
  EXPECT_EQ(status["proxy_headers"],
            nlohmann::json::parse(R"({"client": 13, "own": 14, "malformed": 15, "late": 16})"));
  EXPECT_EQ(status["bounds"], nlohmann::json::parse(R"({"min_rate": 4})"));
  EXPECT_EQ(status["queue"], nlohmann::json::parse(R"({"tasks": 30, "waiting": 2, "longest": 9, "wait_seconds": 1.25,
                                   "longest_wait_seconds": 0.5, "refused": 7, "dropped": 6, "stolen": 5})"));
  EXPECT_EQ(status["stages"]["write"]["tasks"], 10);
  EXPECT_EQ(status["stages"]["write"]["longest"], 3);
  EXPECT_EQ(status["workers"][1]["pid"], 101);
  EXPECT_EQ(status["workers"][1]["tid"], 102);
  EXPECT_EQ(status["services"]["http"]["requests"], 20);
  EXPECT_EQ(status["services"]["http"]["errors"], 3);
  EXPECT_EQ(status["services"]["echo"]["bytes_out"], 6);
}

TEST_F(HttpOwnPagesTest, ServerIsHealthyAndReadyUntilItIsToldToStop) {
  bool will_stop = false;
  site_options_.will_stop = [&will_stop] { return will_stop; };
  EXPECT_EQ(CodeOf(Get("/-/health")), 200);
  EXPECT_EQ(CodeOf(Get("/-/ready")), 200);
  EXPECT_EQ(FieldOf(Get("/-/ready"), "Cache-Control"), "no-store");
  will_stop = true;
  EXPECT_EQ(CodeOf(Get("/-/health")), 200);
  EXPECT_EQ(CodeOf(Get("/-/ready")), 503);
  EXPECT_EQ(CodeOf(Head("/-/ready")), 503);
  site_options_.will_stop = nullptr;
  EXPECT_EQ(CodeOf(Get("/-/ready")), 200);
}

TEST_F(HttpOwnPagesTest, MetricsHaveAHelpATypeAndAValueEach) {
  const std::string reply = Get("/-/metrics");
  EXPECT_EQ(FieldOf(reply, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  const std::string text = ContentOf(reply);
  EXPECT_TRUE(absl::StrContains(text, "polyserve_info{model=\"fork\"} 1\n"));
  EXPECT_TRUE(absl::StrContains(text,
                                "# HELP polyserve_requests_total Requests that were answered.\n"
                                "# TYPE polyserve_requests_total counter\n"
                                "polyserve_requests_total{service=\"http\"} 20\n"
                                "polyserve_requests_total{service=\"echo\"} 4\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_connections_active 2\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_wrong_passwords_total 8\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_refused_logins_total 9\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_tls_handshakes_total{result=\"full\"} 10\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_tls_handshakes_total{result=\"resumed\"} 11\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_tls_handshakes_total{result=\"failed\"} 12\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_proxy_headers_total{result=\"client\"} 13\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_proxy_headers_total{result=\"own\"} 14\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_proxy_headers_total{result=\"malformed\"} 15\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_proxy_headers_total{result=\"late\"} 16\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_bounds_total{bound=\"min_rate\"} 4\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_queue_waiting 2\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_queue_wait_seconds_total 1.25\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_queue_refused_total 7\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_queue_dropped_total 6\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_queue_stolen_total 5\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_stage_waiting{stage=\"read\"} 1\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_library_used_bytes 70\n"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_library_quota_bytes 90\n"));
  EXPECT_EQ(text.back(), '\n');
}

ServerReport TimedReport() {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  ServerReport report = SomeReport();
  report.times_one_in = 20;
  report.request_times = {
      {"http",
       {"", 3, 0.75, {{0.000001, 0}, {0.25, 2}, {kInfinite, 3}}},
       {{"run", 3, 0.5, {{0.25, 3}, {kInfinite, 3}}}, {"wait", 3, 0.25, {{0.25, 3}, {kInfinite, 3}}}}}};
  return report;
}

TEST_F(HttpOwnPagesTest, TimesAreHistogramsWhoseBucketsCountAllBelow) {
  site_options_.report = &TimedReport;
  const std::string text = ContentOf(Get("/-/metrics"));
  EXPECT_TRUE(absl::StrContains(text,
                                "# TYPE polyserve_request_seconds histogram\n"
                                "polyserve_request_seconds_bucket{service=\"http\",le=\"0.000001\"} 0\n"
                                "polyserve_request_seconds_bucket{service=\"http\",le=\"0.250000\"} 2\n"
                                "polyserve_request_seconds_bucket{service=\"http\",le=\"+Inf\"} 3\n"
                                "polyserve_request_seconds_sum{service=\"http\"} 0.750000000\n"
                                "polyserve_request_seconds_count{service=\"http\"} 3\n"));
  EXPECT_TRUE(
      absl::StrContains(text, "\npolyserve_request_part_seconds_sum{service=\"http\",part=\"run\"} 0.500000000\n"));
  EXPECT_TRUE(absl::StrContains(
      text, "\npolyserve_request_part_seconds_bucket{service=\"http\",part=\"wait\",le=\"+Inf\"} 3\n"));
}

TEST_F(HttpOwnPagesTest, StatusHasTheTimesAsSums) {
  site_options_.report = &TimedReport;
  const nlohmann::json times = nlohmann::json::parse(ContentOf(Get("/-/status")))["request_times"];
  EXPECT_EQ(times, nlohmann::json::parse(R"({"one_in": 20, "services":
      {"http": {"requests": 3, "seconds": 0.75, "parts": {"run": 0.5, "wait": 0.25}}}})"));
}

TEST_F(HttpOwnPagesTest, NothingIsSaidOfTimesThatAreNotTaken) {
  EXPECT_FALSE(absl::StrContains(ContentOf(Get("/-/metrics")), "polyserve_request_seconds"));
  EXPECT_EQ(nlohmann::json::parse(ContentOf(Get("/-/status")))["request_times"]["one_in"], 0);
}

TEST_F(HttpOwnPagesTest, MetricsSayWhatIsReadyAndNothingOfAQuotaThatIsNotSet) {
  bool will_stop = false;
  site_options_.will_stop = [&will_stop] { return will_stop; };
  site_options_.report = [] {
    ServerReport report = SomeReport();
    report.quota = std::nullopt;
    return report;
  };
  const std::string text = ContentOf(Get("/-/metrics"));
  EXPECT_TRUE(absl::StrContains(text, "\npolyserve_ready 1\n"));
  EXPECT_FALSE(absl::StrContains(text, "polyserve_library_"));
  will_stop = true;
  EXPECT_TRUE(absl::StrContains(ContentOf(Get("/-/metrics")), "\npolyserve_ready 0\n"));
}

TEST_F(HttpOwnPagesTest, StatusSaysWhoServesWhom) {
  const nlohmann::json status = nlohmann::json::parse(ContentOf(Get("/-/status")));
  EXPECT_EQ(status["pid"], 100);
  EXPECT_EQ(status["answered_by"]["tid"], 102);
  EXPECT_EQ(status["stopping"], false);
  EXPECT_EQ(status["processors"], 2);
  EXPECT_EQ(status["cpu_seconds"], 0.75);
  EXPECT_EQ(status["library"]["read_only"], false);
  EXPECT_EQ(status["library"]["max_file_bytes"], 5000);
  EXPECT_EQ(status["keeps_others_out"], "pool");
  EXPECT_EQ(status["flags"]["reap"], "wait");
  EXPECT_EQ(status["workers"][0]["connections"], 0);
  EXPECT_FALSE(status["workers"][0].contains("cpu_seconds")) << "what is not known is left out";
  EXPECT_EQ(status["workers"][1]["connections"], 1);
  EXPECT_EQ(status["workers"][1]["requests"], 20);
  EXPECT_EQ(status["workers"][1]["cpu_seconds"], 0.25);
  EXPECT_EQ(status["listeners"][0], nlohmann::json::parse(R"({"service": "http", "transport": "tcp",
      "address": "127.0.0.1:8080", "waiting": 3, "capacity": 128})"));
  EXPECT_EQ(status["listeners"][1]["transport"], "udp");
  EXPECT_FALSE(status["listeners"][1].contains("waiting"));
  EXPECT_EQ(status["processes"][0]["parent"], 1);
  EXPECT_EQ(status["processes"][0]["pss_bytes"], 3000);
  EXPECT_EQ(status["processes"][1]["name"], "a\uFFFDb") << "a name may have any bytes, JSON may not";
  EXPECT_FALSE(status["processes"][1].contains("pss_bytes"));
  EXPECT_EQ(status["open"][0], nlohmann::json::parse(R"({"pid": 101, "tid": 102, "service": "http",
      "peer": "127.0.0.1:4711", "doing": "works", "age_seconds": 1.5, "requests": 3, "bytes_in": 9, "unread": 8, "bytes_out": 7,
      "unsent": 6})"));
  EXPECT_FALSE(status["open"][0].contains("via"));
  EXPECT_FALSE(status["open"][1].contains("bytes_in"));
  EXPECT_EQ(status["open"][1]["via"], "10.0.0.1:5000");
}

TEST_F(HttpOwnPagesTest, StatusOfAStopSaysHowLongItMayTake) {
  EXPECT_FALSE(nlohmann::json::parse(ContentOf(Get("/-/status"))).contains("drain"));
  site_options_.report = [] {
    ServerReport report = SomeReport();
    report.is_stopping = true;
    report.drain = {.grace_seconds_left = 0.5, .seconds_left = 9.5};
    return report;
  };
  nlohmann::json status = nlohmann::json::parse(ContentOf(Get("/-/status")));
  EXPECT_EQ(status["stopping"], true);
  EXPECT_EQ(status["drain"], nlohmann::json::parse(R"({"grace_seconds_left": 0.5, "seconds_left": 9.5})"));
}

TEST_F(HttpOwnPagesTest, TheyCanBeReadOnly) {
  EXPECT_EQ(ContentOf(Head("/-/status")), "");
  EXPECT_EQ(FieldOf(Head("/-/status"), "Content-Length"), FieldOf(Get("/-/status"), "Content-Length"));
  EXPECT_EQ(CodeOf(Talk(Request("PUT /-/status", "Content-Length: 1\r\n", "x")).replies), 404);
  EXPECT_FALSE(std::filesystem::exists(root_ / "-"));
}

TEST_F(HttpOwnPagesTest, OthersAreNotThere) {
  for (absl::string_view page : {"/-", "/-/none", "/-/status/x"}) EXPECT_EQ(CodeOf(Get(page)), 404) << page;
  site_options_.report = nullptr;
  EXPECT_EQ(CodeOf(Get("/-/status")), 404);
}

}  // namespace
}  // namespace polyserve
