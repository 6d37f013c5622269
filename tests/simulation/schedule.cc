#include "tests/simulation/schedule.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/registry.h"
#include "base/bound_counters.h"
#include "base/logging.h"
#include "base/unique_fd.h"
#include "net/statistics.h"
#include "tests/simulation/client.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/limits.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/random.h"
#include "tests/simulation/simulated_session.h"

namespace polyserve::simulation {

namespace {

constexpr int64_t kMostClients = 4;

absl::Duration ToDuration(Time time) { return time == kNever ? absl::InfiniteDuration() : absl::Nanoseconds(time); }

// Made once: it is memory that a server's processes share.
const Statistics& SharedStatistics() {
  static const auto* const statistics = new Statistics(*Statistics::Create());
  return *statistics;
}

class Run {
 public:
  Run(const Subject& subject, uint64_t seed)
      : subject_(subject),
        random_(seed),
        kernel_(seed, PlanLimits(random_, subject.has_least_rate),
                absl::StrCat("--model=", subject.name, subject.asks_others ? "" : " --noquestions",
                             " --first_seed=", seed, " --schedules=1")),
        context_{{}, ToDuration(kernel_.limits().idle_timeout), SharedStatistics()} {
    const Limits& limits = kernel_.limits();
    static BoundCounters bounds{};
    if (limits.least_rate > 0) context_.least_rate = {limits.least_rate, ToDuration(limits.rate_window), &bounds};
    context_.listeners.push_back({"simulated", UniqueFd(kernel_.Listen()), [this] { return MakeSession(); }});
  }

  Trace Take() {
    const Totals before = SharedStatistics().Total();
    Populate();
    Serve();
    Check(before);
    return std::move(kernel_.trace());
  }

 private:
  // Drivers make the sessions of the connections that were accepted in the same order.
  std::unique_ptr<Session> MakeSession() {
    const std::shared_ptr<Stream> accepted = kernel_.TakeAccepted();
    for (const auto& client : clients_) {
      if (client->stream() == accepted) return std::make_unique<SimulatedSession>(*client);
    }
    kernel_.Fail("a session is made before a connection was accepted");
  }

  void Populate() {
    const auto count = static_cast<int>(random_.Between(1, kMostClients));
    const Actions actions = {.tasks = subject_.has_tasks, .questions = subject_.asks_others};
    for (int number = 1; number <= count; ++number) {
      const Manner manner = PlanManner(random_, kernel_.limits(), actions);
      clients_.push_back(std::make_unique<Client>(kernel_, number, manner, [this] { OnDone(); }));
      clients_.back()->Start();
    }
    clients_left_ = count;
    // The stop comes at any time, or when all has been said.
    if (random_.OneIn(2)) return;
    kernel_.After(random_.Between(0, random_.OneOf({20 * kMillisecond, 5 * kSecond, 60 * kSecond})),
                  [this] { Stop(); });
  }

  void OnDone() {
    if (--clients_left_ == 0) kernel_.After(random_.Between(0, kMillisecond), [this] { Stop(); });
  }

  void Stop() {
    if (!std::exchange(is_stopped_, true)) kernel_.Stop();
  }

  void Serve() {
    absl::StatusOr<std::unique_ptr<Backend>> backend = subject_.make();
    if (!backend.ok()) kernel_.Fail(backend.status().message());
    absl::Status status = (*backend)->Prepare(context_);
    if (status.ok()) status = (*backend)->Serve(context_);
    if (!status.ok()) kernel_.Fail(status.message());
    if (!is_stopped_) kernel_.Fail("the server has ended before it was to stop");
  }

  void Check(const Totals& before) {
    context_.listeners.clear();
    kernel_.RunOut();
    int64_t accepted = 0;
    for (const auto& client : clients_) {
      client->CheckEnd();
      if (client->was_accepted()) ++accepted;
    }
    const Totals after = SharedStatistics().Total();
    if (after.accepted - before.accepted != accepted) kernel_.Fail("the server has counted other clients than it had");
    if (after.ended - before.ended != accepted) kernel_.Fail("the connections that have ended are counted wrongly");
    // The one of the signals is the simulation's own.
    if (kernel_.open_descriptors() != 1) kernel_.Fail("the server has left a descriptor open");
  }

  const Subject& subject_;
  Random random_;
  Kernel kernel_;
  ServerContext context_;
  std::vector<std::unique_ptr<Client>> clients_;
  int clients_left_ = 0;
  bool is_stopped_ = false;
};

// A flag, and its value.
using Flag = std::pair<const char*, const char*>;

// What the subjects have, unless they say otherwise. Each sets all of these, because another one may have run before.
constexpr Flag kFlags[] = {
    {"trigger", "level"},
    // Longer than by default: a minute of silence is rounds of calls.
    {"poll_interval", "10ms"},
    // The library's own choice.
    {"method", ""},
    // What a ring does only if it is asked to.
    {"registered", "false"},
    {"zerocopy", "false"},
    {"bundles", "false"},
};

// The model of this name, or of its part before the first '-', with these flags.
Subject OfModel(const char* name, const std::vector<Flag>& flags = {}) {
  return {.name = name, .make = [name = std::string(name), flags] {
            for (const auto& [flag, value] : kFlags) gflags::SetCommandLineOption(flag, value);
            for (const auto& [flag, value] : flags) gflags::SetCommandLineOption(flag, value);
            const Model* model = FindModel(absl::string_view(name).substr(0, name.find('-')));
            CHECK(model != nullptr) << name;
            return model->make();
          }};
}

}  // namespace

const std::vector<Subject>& AllSubjects() {
  static const auto* const subjects = new std::vector<Subject>{
      OfModel("loop"),
      OfModel("nonblock"),
      OfModel("select"),
      OfModel("poll"),
      OfModel("sigio"),
      OfModel("epoll"),
      OfModel("epoll-edge", {{"trigger", "edge"}}),
      OfModel("libevent"),
      OfModel("libevent-edge", {{"trigger", "edge"}}),
      OfModel("libevent-poll", {{"method", "poll"}}),
      OfModel("libevent-select", {{"method", "select"}}),
      OfModel("coroutine"),
      OfModel("fiber"),
      OfModel("uring"),
      OfModel("uring-all", {{"registered", "true"}, {"zerocopy", "true"}, {"bundles", "true"}}),
  };
  return *subjects;
}

Trace RunSchedule(const Subject& subject, uint64_t seed) {
  // Before there is a kernel: it looks at the clock, and the first schedule of a process would have a step more.
  SharedStatistics();
  // Whether a warning is logged depends on those before it, and on the clock, which a look at it moves on.
  SetLogOptions({.least = LogSeverity::ERROR});
  return Run(subject, seed).Take();
}

}  // namespace polyserve::simulation
