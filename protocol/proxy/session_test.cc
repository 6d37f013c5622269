#include "protocol/proxy/session.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/address_limits.h"
#include "access/address_set.h"
#include "base/bound_counters.h"
#include "base/mailbox.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/proxy/counters.h"
#include "protocol/proxy/test_headers.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {

namespace {

constexpr absl::string_view kBalancer = "10.0.0.1";
constexpr absl::string_view kStranger = "203.0.113.9";

// Writes down what it learns: "[address]" of its peer, "{stop}", "{time}", "{end}", "{overload}", which it answers with
// "busy", and what it is shown, which it echoes.
class Diary : public Session {
 public:
  explicit Diary(std::string& entries) : entries_(entries) {}

  void OnInput(Input& input, Output& output) override {
    absl::StrAppend(&entries_, input.bytes());
    output.Write(input.bytes());
    input.ConsumeAll();
  }
  void OnEndOfInput(Output& output) override {
    absl::StrAppend(&entries_, "{end}");
    output.Close();
  }
  bool outlives_input() const override { return true; }
  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override { absl::StrAppend(&entries_, "[", address, "]"); }
  void OnStop() override { absl::StrAppend(&entries_, "{stop}"); }
  void OnOverload(Output& output) override {
    absl::StrAppend(&entries_, "{overload}");
    output.Write("busy");
  }
  bool is_refusable() const override { return !entries_.empty(); }
  void OnTime(Output&) override { absl::StrAppend(&entries_, "{time}"); }
  Mailbox* mailbox() override { return &mailbox_; }
  bool idle() const override { return false; }
  bool awaits_rest_of_request() const override { return true; }
  absl::string_view closing_message() const override { return "bye"; }

 private:
  std::string& entries_;
  Mailbox mailbox_;
};

class ProxiedSessionTest : public testing::Test {
 protected:
  // A connection from this address.
  std::unique_ptr<ProxiedSession> From(absl::string_view address) {
    auto session = std::make_unique<ProxiedSession>(std::make_unique<Diary>(diary_), terms_);
    session->OnPeer(address);
    return session;
  }

  // Shows the bytes; returns what is left of them.
  std::string Show(Session& session, absl::string_view bytes) {
    Input input(bytes);
    session.OnInput(input, output_);
    return std::string(input.bytes());
  }

  void ExpectCounts(int client, int own, int malformed, int late) {
    EXPECT_EQ(counters_.client.load(), client);
    EXPECT_EQ(counters_.own.load(), own);
    EXPECT_EQ(counters_.malformed.load(), malformed);
    EXPECT_EQ(counters_.late.load(), late);
  }

  ProxyCounters counters_{};
  BoundCounters bounds_{};
  std::shared_ptr<ProxyTerms> terms_ = std::make_shared<ProxyTerms>(
      ProxyTerms{.balancers = *AddressSet::Parse("10.0.0.0/8"), .timeout = absl::Seconds(20), .counters = &counters_});
  std::string diary_;
  Output output_;
};

TEST_F(ProxiedSessionTest, ClientIsWhoTheHeaderNames) {
  for (const std::string& header : {ProxyHeaderV1(), ProxyHeaderV2()}) {
    diary_.clear();
    const auto session = From(kBalancer);
    EXPECT_TRUE(session->IsBalancer(kBalancer));
    EXPECT_TRUE(session->awaits_client());
    EXPECT_EQ(Show(*session, header + "hello"), "");
    EXPECT_EQ(diary_, "[192.0.2.7]hello");
    EXPECT_FALSE(session->awaits_client());
    ASSERT_NE(session->client(), nullptr);
    EXPECT_EQ(session->client()->ToString(), "192.0.2.7:4711");
  }
  EXPECT_FALSE(output_.closing());
  EXPECT_FALSE(output_.has_counts());
  ExpectCounts(2, 0, 0, 0);
}

TEST_F(ProxiedSessionTest, HeaderMayComeInAnyPieces) {
  for (const std::string& header : {ProxyHeaderV1(), ProxyHeaderV2(), std::string("PROXY UNKNOWN\r\n")}) {
    const Transcript transcript = TalkInAnyPieces([this] { return From(kBalancer); }, absl::StrCat(header, "hello"));
    EXPECT_EQ(transcript.replies, "hello");
    EXPECT_LT(transcript.max_unconsumed, header.size());
  }
}

TEST_F(ProxiedSessionTest, BalancerThatNamesNobodyIsThePeer) {
  const auto session = From(kBalancer);
  Show(*session, ProxyHeaderV2('\x20', '\0', ""));
  EXPECT_EQ(diary_, "[10.0.0.1]") << "nothing is shown before there is something";
  EXPECT_FALSE(session->awaits_client());
  EXPECT_EQ(session->client(), nullptr);
  Show(*session, "hello");
  EXPECT_EQ(diary_, "[10.0.0.1]hello");
  ExpectCounts(0, 1, 0, 0);
}

TEST_F(ProxiedSessionTest, HeaderOfAStrangerIsTheServicesBytes) {
  const auto session = From(kStranger);
  EXPECT_FALSE(session->IsBalancer(kStranger));
  EXPECT_FALSE(session->awaits_client());
  Show(*session, ProxyHeaderV1());
  EXPECT_EQ(diary_, absl::StrCat("[203.0.113.9]", ProxyHeaderV1()));
  EXPECT_EQ(session->client(), nullptr);
  ExpectCounts(0, 0, 0, 0);
}

TEST_F(ProxiedSessionTest, BalancerHasToSendAHeader) {
  const auto session = From(kBalancer);
  EXPECT_EQ(Show(*session, "GET / HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(diary_, "");
  EXPECT_TRUE(output_.closing());
  EXPECT_TRUE(output_.empty());
  EXPECT_EQ(output_.TakeCounts().errors, 1);
  EXPECT_EQ(session->closing_message(), "");
  ExpectCounts(0, 0, 1, 0);
}

TEST_F(ProxiedSessionTest, HeaderThatIsCutShortIsMalformed) {
  const auto session = From(kBalancer);
  Show(*session, "PROXY TCP4 192.0.2.7");
  session->OnEndOfInput(output_);
  EXPECT_EQ(diary_, "");
  EXPECT_TRUE(output_.closing());
  ExpectCounts(0, 0, 1, 0);
}

// As a balancer does that checks whether somebody listens.
TEST_F(ProxiedSessionTest, ConnectionThatEndsBeforeAnyByteIsNoFault) {
  const auto session = From(kBalancer);
  session->OnEndOfInput(output_);
  EXPECT_EQ(diary_, "");
  EXPECT_TRUE(output_.closing());
  EXPECT_FALSE(output_.has_counts());
  ExpectCounts(0, 0, 0, 0);
}

TEST_F(ProxiedSessionTest, RestOfAHeaderHasATimeLimit) {
  const auto session = From(kBalancer);
  Show(*session, "PROXY ");
  ASSERT_TRUE(output_.asks_for_wake());
  EXPECT_EQ(output_.TakeWakeIn(), absl::Seconds(20));
  Show(*session, "PROXY T");
  EXPECT_FALSE(output_.asks_for_wake()) << "each piece would give it more";
  session->OnTime(output_);
  EXPECT_TRUE(output_.closing());
  EXPECT_EQ(diary_, "");
  ExpectCounts(0, 0, 0, 1);
}

TEST_F(ProxiedSessionTest, TimeLimitEndsWithTheHeader) {
  const auto session = From(kBalancer);
  Show(*session, "PROXY ");
  Show(*session, ProxyHeaderV1());
  ASSERT_TRUE(output_.asks_for_wake());
  EXPECT_EQ(output_.TakeWakeIn(), absl::InfiniteDuration());
  session->OnTime(output_);
  EXPECT_EQ(diary_, "[192.0.2.7]{time}") << "from here on it is the inner session's";
  const auto whole = From(kBalancer);
  Show(*whole, ProxyHeaderV1());
  EXPECT_FALSE(output_.asks_for_wake()) << "one that comes in one piece needs none";
}

TEST_F(ProxiedSessionTest, InnerSessionHearsOfAStopOnceItIsOpen) {
  const auto session = From(kBalancer);
  session->OnStop();
  EXPECT_EQ(diary_, "");
  Show(*session, ProxyHeaderV1() + "x");
  EXPECT_EQ(diary_, "[192.0.2.7]{stop}x");
}

// A driver may refuse the connection before its first byte.
TEST_F(ProxiedSessionTest, RefusalIsTheInnerSessionsAndNamesTheClientIfItIsKnown) {
  const auto refuse = [this](absl::string_view peer, absl::string_view bytes) {
    diary_.clear();
    const auto session = From(peer);
    if (!bytes.empty()) Show(*session, bytes);
    output_ = Output();
    session->OnOverload(output_);
    return output_.unsent_bytes();
  };
  EXPECT_EQ(refuse(kBalancer, ProxyHeaderV1()), 4);
  EXPECT_EQ(diary_, "[192.0.2.7]{overload}");
  EXPECT_EQ(refuse(kStranger, ""), 4);
  EXPECT_EQ(diary_, "[203.0.113.9]{overload}");
  for (const absl::string_view before_its_end : {"", "PROXY TCP4 192.0.2.7"}) {
    EXPECT_EQ(refuse(kBalancer, before_its_end), 4);
    EXPECT_EQ(diary_, "[10.0.0.1]{overload}");
  }
  EXPECT_EQ(refuse(kBalancer, "no header"), 0) << "it is over already";
}

TEST_F(ProxiedSessionTest, InnerSessionSaysWhetherItMayBeRefused) {
  const auto session = From(kBalancer);
  EXPECT_FALSE(session->is_refusable());
  Show(*session, ProxyHeaderV1());
  EXPECT_TRUE(session->is_refusable()) << "though the client has said nothing yet";
}

TEST_F(ProxiedSessionTest, ConversationBeginsBehindTheHeader) {
  const auto session = From(kBalancer);
  EXPECT_TRUE(session->is_opening());
  EXPECT_TRUE(session->idle());
  EXPECT_FALSE(session->awaits_rest_of_request());
  EXPECT_EQ(session->mailbox(), nullptr);
  EXPECT_FALSE(session->outlives_input());
  EXPECT_EQ(session->closing_message(), "");
  Show(*session, ProxyHeaderV1());
  EXPECT_TRUE(session->is_opening()) << "the client has said nothing yet";
  EXPECT_FALSE(session->idle());
  EXPECT_TRUE(session->awaits_rest_of_request());
  EXPECT_NE(session->mailbox(), nullptr);
  EXPECT_TRUE(session->outlives_input());
  EXPECT_EQ(session->closing_message(), "bye");
  Show(*session, "hello");
  EXPECT_FALSE(session->is_opening());
  session->OnEndOfInput(output_);
  EXPECT_EQ(diary_, "[192.0.2.7]hello{end}");
}

class ProxiedLimitsTest : public ProxiedSessionTest {
 protected:
  void SetUp() override {
    AddressLimits::Prepare(*table_);
    terms_->limits = std::make_shared<const AddressLimits>(AddressLimits::Options{.connections = 1}, *table_, bounds_);
  }

  // Whether a connection of this client is served.
  bool IsServed(absl::string_view client) {
    sessions_.push_back(From(kBalancer));
    output_.Clear();
    output_ = Output();
    Show(*sessions_.back(), absl::StrCat("PROXY TCP4 ", client, " 198.51.100.1 4711 80\r\nx"));
    return !output_.closing();
  }

  const std::unique_ptr<AddressLimits::Table> table_ = std::make_unique<AddressLimits::Table>();
  std::vector<std::unique_ptr<ProxiedSession>> sessions_;  // Behind the table, which has their places.
};

TEST_F(ProxiedLimitsTest, ConnectionsCountForTheirClients) {
  EXPECT_TRUE(IsServed("192.0.2.1"));
  EXPECT_TRUE(IsServed("192.0.2.2"));
  EXPECT_FALSE(IsServed("192.0.2.1"));
  EXPECT_EQ(bounds_.max_connections_per_address.load(), 1);
  EXPECT_EQ(diary_, "[192.0.2.1]x[192.0.2.2]x") << "one that is refused is shown nothing";
  sessions_.clear();
  EXPECT_TRUE(IsServed("192.0.2.1"));
}

TEST_F(ProxiedLimitsTest, BalancerCountsOnlyWhenItSpeaksForItself) {
  std::vector<std::unique_ptr<ProxiedSession>> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(From(kBalancer));
  for (int i = 0; i < 3; ++i) {
    output_ = Output();
    Show(*silent[i], "PROXY UNKNOWN\r\n");
    EXPECT_EQ(output_.closing(), i > 0);
  }
}

}  // namespace

}  // namespace polyserve
