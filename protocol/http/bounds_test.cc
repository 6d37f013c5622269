// http: how many requests a connection may have, how many an address, and how long the next one may take.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/address_limits.h"
#include "base/bound_counters.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

constexpr absl::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr absl::string_view kClose = "Connection: close\r\n";

class HttpBoundsTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    site_options_.counters = &counters_;
    AddressLimits::Prepare(*table_);
  }
  Transcript TalkWithTime(const std::vector<absl::string_view>& pieces) {
    return TalkInPieces([this] { return MakeSession(); }, pieces);
  }

  BoundCounters counters_ = {};
  const std::unique_ptr<AddressLimits::Table> table_ = std::make_unique<AddressLimits::Table>();
};

size_t CountOf(absl::string_view part, absl::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != absl::string_view::npos; at += part.size()) ++count;
  return count;
}

TEST_F(HttpBoundsTest, LastRequestOfAConnectionIsAnnouncedAndNoneIsAnsweredBehindIt) {
  site_options_.max_requests_per_connection = 2;
  const Transcript talk = Talk(absl::StrCat(kGet, kGet, kGet));
  EXPECT_EQ(CountOf("hello", talk.replies), 2u);
  EXPECT_EQ(CountOf(kClose, talk.replies), 1u);
  EXPECT_LT(talk.replies.find("hello"), talk.replies.find(std::string(kClose)));
  EXPECT_TRUE(talk.closed);
}

TEST_F(HttpBoundsTest, UploadCanBeTheLastRequest) {
  site_options_.max_requests_per_connection = 1;
  const Transcript talk = TalkOnce(absl::StrCat(Request("PUT /new", "Content-Length: 3\r\n", "new"), kGet));
  EXPECT_EQ(CodeOf(talk.replies), 201);
  EXPECT_EQ(FieldOf(talk.replies, "Connection"), "close");
  EXPECT_EQ(Content("new"), "new");
  EXPECT_EQ(CountOf("HTTP/1.1 ", talk.replies), 1u);
  EXPECT_EQ(counters_.max_requests_per_connection, 1);
}

TEST_F(HttpBoundsTest, NextRequestHasToComeInTime) {
  site_options_.keep_alive_timeout = absl::Seconds(5);
  const Transcript talk = TalkWithTime({kGet, kGet, kTimePasses});
  EXPECT_EQ(CountOf("hello", talk.replies), 2u);
  EXPECT_TRUE(talk.closed);
  EXPECT_EQ(talk.replies, TalkOnce(absl::StrCat(kGet, kGet)).replies) << "no word of it";
  EXPECT_EQ(counters_.keep_alive_timeout, 1);
}

TEST_F(HttpBoundsTest, FirstRequestMayTakeLonger) {
  site_options_.keep_alive_timeout = absl::Seconds(5);
  EXPECT_FALSE(TalkWithTime({kTimePasses}).closed);
}

TEST_F(HttpBoundsTest, RequestThatHasBegunHasTheTimeOfARequest) {
  site_options_.keep_alive_timeout = absl::Seconds(5);
  const Transcript talk = TalkWithTime({kGet, kGet.substr(0, 10), kTimePasses});
  EXPECT_EQ(CountOf("HTTP/1.1 408 ", talk.replies), 1u);
  EXPECT_EQ(counters_.request_timeout, 1);
  EXPECT_EQ(counters_.keep_alive_timeout, 0);
}

TEST_F(HttpBoundsTest, RequestsAboveTheRateAre429AndTheConnectionStays) {
  site_options_.address_limits =
      std::make_shared<const AddressLimits>(AddressLimits::Options{.requests_per_second = 1}, *table_, counters_);
  std::string many;
  for (int i = 0; i < 200; ++i) absl::StrAppend(&many, kGet);
  const auto make_session = [this] {
    auto session = MakeSession();
    EXPECT_TRUE(session->wants_peer());
    session->OnPeer("192.0.2.1");
    return session;
  };
  const Transcript talk = TalkInPieces(make_session, {many});
  const size_t refused = CountOf("HTTP/1.1 429 ", talk.replies);
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(CountOf("hello", talk.replies), 200 - refused);
  EXPECT_EQ(CountOf("Retry-After: 1\r\n", talk.replies), refused);
  EXPECT_EQ(counters_.rate_per_address, static_cast<int64_t>(refused));
  EXPECT_FALSE(talk.closed);
}

}  // namespace
}  // namespace polyserve
