// The load generator's own truth: against a server that delays each reply by a known time, and notes what it did, the
// percentiles and the rate are right within 1 % and 20 us; at 1, 16 and 256 connections, closed and open loop.
//
//   closed loop   the truth of a request is the time that the server kept it: read to sent
//   open loop     the truth is the reply's time of sending minus the time that the request was due, which Arrivals
//   tells
//
// What lies between server and generator, the loopback and the scheduler, is not the generator's doing. The test
// measures it first, with a blocking client of its own, and allows for it. A stall of the machine can spoil one
// attempt, but not ten of them in the same direction; a generator that is wrong is wrong in all.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/exchange.h"
#include "client/load/generator.h"
#include "client/load/histogram.h"
#include "client/load/load_thread.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

constexpr size_t kMessageBytes = sizeof(uint64_t);  // A request is its number, and so is the reply.
constexpr double kShare = 0.01;
constexpr double kAbsolute = 20'000;  // ns
constexpr int kAttempts = 10;

// What the server did with a request, by LoadThread::Now(); 0: nothing.
struct Answer {
  int64_t read = 0;
  int64_t sent = 0;
};

// Of a thousand replies 15 are slow and 5 are very slow, in an irregular order: the percentiles 99 and 99.9 lie well
// inside these groups, so that a few requests more or less change neither. The others take one to two units, lest all
// connections ask at the same moment, again and again: the generator, too, can but take one reply after the other.
int64_t DelayOf(uint64_t number, int64_t unit) {
  const auto place = static_cast<int64_t>(number * 619 % 1000);  // No common divisor: each place comes once.
  return place < 5 ? 20 * unit : place < 20 ? 5 * unit : unit + unit * place / 1000;
}

// Answers each request after DelayOf(its number). One thread, which asks the clock all the time rather than sleep,
// since the kernel may wake a sleeper late.
class DelayServer {
 public:
  // `unit` in nanoseconds; 0: no delay. At most `most` requests, numbered from 0.
  DelayServer(int64_t unit, size_t most)
      : unit_(unit), listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())), answers_(most) {
    Watch(listener_.get());
    thread_ = std::jthread([this](const std::stop_token& stop) { Serve(stop); });
  }

  Endpoint address() const { return *Endpoint::OfSocket(listener_.get()); }

  // Ends the thread; from then on the answers may be read.
  const std::vector<Answer>& Stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return answers_;
  }

 private:
  struct Due {
    int64_t time;
    uint64_t number;
    int fd;
    bool operator>(const Due& other) const { return time > other.time; }
  };

  void Watch(int fd) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ASSERT_EQ(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), 0);
  }

  void Serve(const std::stop_token& stop) {
    epoll_event events[64];
    while (!stop.stop_requested()) {
      const int count = ::epoll_wait(epoll_.get(), events, 64, 0);
      for (int i = 0; i < count; ++i) events[i].data.fd == listener_.get() ? Accept() : Read(events[i].data.fd);
      for (; !due_.empty() && due_.top().time <= LoadThread::Now(); due_.pop()) Reply(due_.top());
    }
  }

  void Accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.ok()) return;
    Watch(fd.get());
    clients_.push_back(std::move(fd));
  }

  void Read(int fd) {
    uint64_t number = 0;
    const ssize_t count = ::recv(fd, &number, sizeof(number), 0);
    if (count == 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    if (count != sizeof(number) || number >= answers_.size()) return;
    answers_[number].read = LoadThread::Now();
    due_.push({answers_[number].read + (unit_ == 0 ? 0 : DelayOf(number, unit_)), number, fd});
  }

  void Reply(const Due& due) {
    answers_[due.number].sent = LoadThread::Now();
    ::send(due.fd, &due.number, sizeof(due.number), MSG_NOSIGNAL);
  }

  const int64_t unit_;
  UniqueFd listener_;
  UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<UniqueFd> clients_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Answer> answers_;
  std::jthread thread_;  // Last: it uses all of the above.
};

// Numbers its requests across all connections, in the order in which they are asked, which in an open loop is that in
// which they were due. One thread of the load generator alone may use it.
class NumberedExchange : public Exchange {
 public:
  explicit NumberedExchange(std::shared_ptr<uint64_t> next) : next_(std::move(next)) {}

  absl::string_view Ask() override {
    const uint64_t number = (*next_)++;
    request_.assign(reinterpret_cast<const char*>(&number), sizeof(number));
    return request_;
  }
  Reply Take(absl::string_view& bytes) override {
    if (!TakeSame(request_, taken_, bytes)) return Reply::kWrong;
    if (taken_ < kMessageBytes) return Reply::kIncomplete;
    taken_ = 0;
    return Reply::kComplete;
  }
  Reply TakeEnd() override { return Reply::kWrong; }
  void Reset() override { taken_ = 0; }

 private:
  const std::shared_ptr<uint64_t> next_;
  std::string request_;
  size_t taken_ = 0;
};

struct Figures {
  double p50 = 0, p99 = 0, p999 = 0;

  std::string ToString() const {
    return absl::StrFormat("p50 %.1f, p99 %.1f, p99.9 %.1f us", p50 / 1e3, p99 / 1e3, p999 / 1e3);
  }
};

// By the nearest rank, as Histogram::Quantile().
double Quantile(const std::vector<int64_t>& sorted, double share) {
  const double rank = std::max(1.0, std::ceil(share * static_cast<double>(sorted.size())));
  return static_cast<double>(sorted[static_cast<size_t>(rank) - 1]);
}

Figures FiguresOf(std::vector<int64_t> times) {
  if (times.empty()) return {};
  std::sort(times.begin(), times.end());
  return {Quantile(times, 0.5), Quantile(times, 0.99), Quantile(times, 0.999)};
}

Figures FiguresOf(const Histogram& times) {
  return {static_cast<double>(times.Quantile(0.5)), static_cast<double>(times.Quantile(0.99)),
          static_cast<double>(times.Quantile(0.999))};
}

// The test's own error: what a reply takes on its way, and until its reader runs, as a blocking client sees it.
Figures OwnError() {
  constexpr size_t kPings = 2000;
  DelayServer server(0, kPings);
  absl::StatusOr<UniqueFd> fd = ConnectTcp(server.address(), absl::Seconds(5));
  if (!fd.ok()) return {};
  std::vector<int64_t> round_trips;
  for (uint64_t number = 0; number < kPings; ++number) {
    const int64_t before = LoadThread::Now();
    uint64_t reply = 0;
    if (::send(fd->get(), &number, sizeof(number), MSG_NOSIGNAL) != sizeof(number)) return {};
    if (::recv(fd->get(), &reply, sizeof(reply), MSG_WAITALL) != sizeof(reply)) return {};
    round_trips.push_back(LoadThread::Now() - before);
  }
  const std::vector<Answer>& answers = server.Stop();
  for (size_t i = 0; i < kPings; ++i) round_trips[i] -= answers[i].sent - answers[i].read;
  return FiguresOf(std::move(round_trips));
}

struct Case {
  int connections;
  int64_t unit;  // Of the delays, in nanoseconds: some 10,000 requests a second at most, so that no processor is full.
  std::optional<double> rate;  // Half of what the connections can carry, so that the slow replies make others wait.
  Arrivals::Kind arrivals = Arrivals::Kind::kFixed;

  std::string name() const {
    const absl::string_view loop = !rate.has_value()                      ? "ClosedLoop"
                                   : arrivals == Arrivals::Kind::kPoisson ? "PoissonArrivals"
                                                                          : "FixedArrivals";
    return absl::StrCat(loop, "With", connections, "Connections");
  }
};

struct Outcome {
  Figures told, truth;  // Response times.
  double told_rate = 0, true_rate = 0;
  std::vector<std::string> faults;
};

// What the server's notes make of the counted time, which begins at `start` and lasts `duration`.
void TellTruth(const Case& the, const std::vector<Answer>& answers, int64_t start, absl::Duration duration,
               uint64_t seed, Outcome& outcome) {
  Arrivals arrivals(the.arrivals, the.rate.value_or(1), seed);
  const int64_t end = start + absl::ToInt64Nanoseconds(duration);
  std::vector<int64_t> times;
  int counted = 0;
  for (const Answer& answer : answers) {
    if (answer.sent == 0) break;
    times.push_back(answer.sent - (the.rate.has_value() ? start + arrivals.Next() : answer.read));
    if (answer.sent < end) ++counted;
  }
  outcome.truth = FiguresOf(std::move(times));
  outcome.true_rate = counted / absl::ToDoubleSeconds(duration);
}

Outcome Attempt(const Case& the, uint64_t seed) {
  Outcome outcome;
  DelayServer server(the.unit, 200'000);
  LoadPlan plan;
  plan.workload = "numbered";
  plan.to = server.address();
  plan.connections = the.connections;
  plan.rate = the.rate;
  plan.arrivals = the.arrivals;
  plan.seed = seed;
  plan.duration = absl::Seconds(2);
  plan.make_exchange = [next = std::make_shared<uint64_t>(0)] { return std::make_unique<NumberedExchange>(next); };
  absl::StatusOr<ConnectedLoad> load = ConnectedLoad::Connect(plan);
  if (!load.ok()) return {{}, {}, 0, 0, {load.status().ToString()}};
  const int64_t start = LoadThread::Now();
  const LoadTally tally = load->Run(plan.duration, plan.rate);
  TellTruth(the, server.Stop(), start, plan.duration, seed, outcome);
  outcome.told = FiguresOf(tally.response);
  outcome.told_rate = static_cast<double>(tally.replies) / tally.seconds;
  outcome.faults = FaultsOf(plan, tally);
  return outcome;
}

bool IsRight(double told, double truth, double own_error) {
  return std::abs(told - truth) <= kShare * truth + kAbsolute + own_error;
}

bool IsRight(const Outcome& outcome, const Figures& own) {
  return IsRight(outcome.told.p50, outcome.truth.p50, own.p50) &&
         IsRight(outcome.told.p99, outcome.truth.p99, own.p99) &&
         IsRight(outcome.told.p999, outcome.truth.p999, own.p999) &&
         std::abs(outcome.told_rate - outcome.true_rate) <= kShare * outcome.true_rate;
}

class AccuracyTest : public testing::TestWithParam<Case> {};

TEST_P(AccuracyTest, PercentilesAndRateAreThoseThatTheServerHasCaused) {
  std::string seen;
  for (uint64_t attempt = 1; attempt <= kAttempts; ++attempt) {
    const Figures own = OwnError();
    const Outcome outcome = Attempt(GetParam(), attempt);
    ASSERT_EQ(outcome.faults, std::vector<std::string>());
    if (IsRight(outcome, own)) return;
    absl::StrAppend(&seen, "\n  told  ", outcome.told.ToString(), "; ", outcome.told_rate, " a second",  //
                    "\n  truth ", outcome.truth.ToString(), "; ", outcome.true_rate, " a second",        //
                    "\n  own error ", own.ToString());
  }
  FAIL() << "in " << kAttempts << " attempts:" << seen;
}

// A generator that takes its times from the sending of a request, not from when it was due, would be found.
TEST(AccuracyTruthTest, TheTruthKnowsWhatWaitingForAConnectionCosts) {
  const Outcome outcome = Attempt({1, 1'000'000, 400.0}, 1);
  EXPECT_GT(outcome.truth.p99, 5.5e6)
      << "a request that waits behind a slow one takes longer than the slow one's delay";
}

constexpr int64_t kMs = 1'000'000;

INSTANTIATE_TEST_SUITE_P(All, AccuracyTest,
                         testing::Values(Case{1, kMs, {}}, Case{16, 2 * kMs, {}}, Case{256, 25 * kMs, {}},
                                         Case{1, kMs, 300.0}, Case{16, 2 * kMs, 2500.0}, Case{256, 25 * kMs, 3500.0},
                                         Case{16, 2 * kMs, 2500.0, Arrivals::Kind::kPoisson}),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace polyserve
