// --time_requests: where the time of a request goes, under every model: the parts add up to what a client measures, and
// a wait that is known is in the part where it belongs.
#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

constexpr absl::Duration kStopped = absl::Milliseconds(300);

class TimesTest : public EveryModelTest {
 protected:
  // What is known of the timed requests of this service, in seconds; null if there is none.
  nlohmann::json Times(absl::string_view service) {
    Peer peer = Connect("http");
    peer.Send("GET /-/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const std::string reply = peer.ReadToEnd();
    const size_t content = reply.find("\r\n\r\n");
    if (content == std::string::npos) return nullptr;
    const nlohmann::json status = nlohmann::json::parse(reply.substr(content), nullptr, false);
    if (!status.is_object()) return nullptr;
    return status["request_times"]["services"].value(std::string(service), nlohmann::json());
  }

  // The same once this many requests have been timed. The reply of one comes before the server has taken down its time.
  nlohmann::json TimesOf(absl::string_view service, int64_t requests) {
    nlohmann::json times;
    EXPECT_TRUE(Eventually([&] { return Requests(times = Times(service)) >= requests; }));
    return times;
  }
  static int64_t Requests(const nlohmann::json& times) {
    return times.is_object() ? times["requests"].get<int64_t>() : 0;
  }

  // One request of a new connection, and how long its client has waited for the answer.
  absl::Duration Ask(absl::string_view service, absl::string_view request) {
    Peer peer = Connect(service);
    const auto begin = std::chrono::steady_clock::now();
    peer.Send(request);
    EXPECT_FALSE(peer.ReadLine().empty());
    return absl::FromChrono(std::chrono::steady_clock::now() - begin);
  }

  // Two requests to echo, the second of which comes while all of the server's processes are stopped.
  void AskWhileStopped() {
    Peer peer = Connect("echo");
    peer.Send("first\n");
    EXPECT_EQ(peer.ReadLine(), "first\n");  // So that the thread, or process, of the client is there.
    for (const pid_t process : server().processes()) {
      ::kill(process, SIGSTOP);
      // One that has served an earlier client may have just ended.
      EXPECT_TRUE(Eventually([&] { return IsStopped(process) || ReadProc(process, "environ").empty(); }));
    }
    peer.Send("second\n");
    absl::SleepFor(kStopped);  // No wait for anything: it is what is to be measured.
    for (const pid_t process : server().processes()) ::kill(process, SIGCONT);
    EXPECT_EQ(peer.ReadLine(), "second\n");
  }
  // Of all requests to echo, once there are so many.
  double TimeInKernel(int64_t requests) {
    const nlohmann::json times = TimesOf("echo", requests);
    if (!times.is_object()) return 0;
    return times["parts"]["socket"].get<double>() + times["parts"]["wakeup"].get<double>();
  }

  static double SumOfParts(const nlohmann::json& times) {
    double sum = 0;
    for (const auto& part : times["parts"]) sum += part.get<double>();
    return sum;
  }
};

// A machine that is busy may delay the client between two of its own calls: then the next request is looked at.
TEST_F(TimesTest, PartsOfARequestAddUpToItsResponseTimeWithinFivePercent) {
  StartServer({"--time_requests=1"});
  double sum_before = 0;
  double wait_before = 0;
  int64_t requests = 0;
  std::string seen;
  const bool adds_up = Eventually([&] {
    const double took = absl::ToDoubleSeconds(Ask("wait", "WAIT 100\n"));
    const nlohmann::json times = TimesOf("wait", ++requests);
    if (Requests(times) != requests) return true;  // Which fails below.
    const double sum = SumOfParts(times) - sum_before;
    const double wait = times["parts"]["wait"].get<double>() - wait_before;
    sum_before += sum;
    wait_before += wait;
    absl::StrAppend(&seen, times.dump(), " after ", took, "\n");
    return sum > 0.95 * took && sum < 1.05 * took && wait > 0.95 * 0.1 && wait < sum;
  });
  EXPECT_TRUE(adds_up) << seen;
  EXPECT_EQ(Requests(Times("wait")), requests) << "each request is timed once";
}

TEST_F(TimesTest, PartsAddUpToTheWhole) {
  StartServer({"--time_requests=1"});
  for (int i = 0; i < 3; ++i) Ask("compute", "PRIMES 1000\n");
  const nlohmann::json times = TimesOf("compute", 3);
  ASSERT_TRUE(times.is_object());
  EXPECT_NEAR(SumOfParts(times), times["seconds"].get<double>(), 1e-6);
  EXPECT_EQ(times["parts"]["wait"], 0);
  EXPECT_GT(times["parts"]["run"], 0);
}

// While the server is stopped, nothing can be noted but by the kernel. Whether that counts as a wake-up depends on how
// the thread waits: the stop ends some waits, so that the next one begins behind the request's arrival. The kernel
// turns its stamps on by a work queue, which on a busy machine may have its turn behind the first request.
TEST_F(TimesTest, RequestIsTimedFromItsArrivalOn) {
  if (has_flag("--bundles")) GTEST_SKIP() << "by design: its receives bring no stamp of the kernel";
  StartServer({"--time_requests=1"});
  ASSERT_GT(Ask("echo", "warm\n"), absl::ZeroDuration());
  int64_t requests = 1;
  double before = TimeInKernel(requests);
  std::string seen;
  const bool is_timed = Eventually([&] {
    AskWhileStopped();
    const double after = TimeInKernel(requests += 2);
    absl::StrAppend(&seen, after - before, " s\n");
    return after - std::exchange(before, after) >= 0.95 * absl::ToDoubleSeconds(kStopped);
  });
  EXPECT_TRUE(is_timed) << seen;
}

TEST_F(TimesTest, NothingIsTimedWithoutTheFlag) {
  StartServer();
  Ask("echo", "hello\n");
  Peer peer = Connect("http");
  peer.Send("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(absl::StrContains(peer.ReadToEnd(), "polyserve_request_seconds"));
  peer = Peer("");
  EXPECT_TRUE(Times("echo").is_null());
}

TEST_F(TimesTest, MetricsHaveAHistogramOfEachPart) {
  StartServer({"--time_requests=1"});
  Ask("echo", "hello\n");
  TimesOf("echo", 1);
  Peer peer = Connect("http");
  peer.Send("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string metrics = peer.ReadToEnd();
  EXPECT_TRUE(absl::StrContains(metrics, "\npolyserve_request_seconds_count{service=\"echo\"} 1\n"));
  for (const char* part : {"socket", "wakeup", "queue", "run", "send", "off_cpu", "wait", "peer"}) {
    const std::string labels = absl::StrCat("{service=\"echo\",part=\"", part, "\"");
    EXPECT_TRUE(absl::StrContains(metrics, absl::StrCat("\npolyserve_request_part_seconds_count", labels, "} 1\n")));
    EXPECT_TRUE(absl::StrContains(
        metrics, absl::StrCat("\npolyserve_request_part_seconds_bucket", labels, ",le=\"+Inf\"} 1\n")));
  }
}

}  // namespace

}  // namespace polyserve
