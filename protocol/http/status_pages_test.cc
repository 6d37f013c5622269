// The server's own pages: their contents, and which requests get them.
#include "protocol/http/status_pages.h"

#include <filesystem>
#include <nlohmann/json.hpp>
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
          .workers = {{100, 100}, {101, 102}},
          .services = {{"http", 7, 20, 3, 1000, 50000}, {"echo", 3, 4, 0, 5, 6}}};
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
  EXPECT_EQ(status["workers"][1]["pid"], 101);
  EXPECT_EQ(status["workers"][1]["tid"], 102);
  EXPECT_EQ(status["services"]["http"]["requests"], 20);
  EXPECT_EQ(status["services"]["http"]["errors"], 3);
  EXPECT_EQ(status["services"]["echo"]["bytes_out"], 6);
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
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(HttpOwnPagesTest, IndexLinksToTheOthers) {
  const std::string reply = Get("/-/");
  EXPECT_EQ(CodeOf(reply), 200);
  for (absl::string_view page : {"status", "metrics"}) {
    EXPECT_TRUE(absl::StrContains(reply, absl::StrCat("href=\"", page, "\""))) << page;
  }
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
