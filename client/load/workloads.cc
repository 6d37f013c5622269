#include "client/load/workloads.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/load/ask_once.h"
#include "client/load/chat_crowd.h"
#include "client/load/disk_files.h"
#include "client/load/exchange.h"
#include "client/load/http_get.h"
#include "client/load/library_visits.h"
#include "client/load/plan_share.h"
#include "client/load/schedule.h"
#include "client/load/scheduled_clients.h"
#include "client/load/slow_readers.h"
#include "client/load/upload.h"
#include "client/load/web_users.h"

namespace polyserve {

namespace {

// Limits on a message, which all connections share, and on a file, of which each connection holds a copy.
constexpr size_t kMostMessageBytes = size_t{1} << 30;
constexpr size_t kMostUploadBytes = size_t{64} << 20;
// The most that fits into a datagram of IPv4.
constexpr size_t kMostDatagramBytes = 65'507;
// What the service `message` takes for one message.
constexpr size_t kMostChunkBytes = 1024;
// The number of idle connections of the workload `idle`, unless --idle is given.
constexpr int kIdleConnections = 1000;
// How far apart in the list of waits two connections begin.
constexpr size_t kStepBetweenConnections = 41;

// All connections share both strings, because a message may have 1 GiB.
ExchangeFactory Fixed(std::string request, std::string reply) {
  auto shared_request = std::make_shared<const std::string>(std::move(request));
  auto shared_reply = std::make_shared<const std::string>(std::move(reply));
  return [=] { return std::make_unique<FixedExchange>(shared_request, shared_reply); };
}

absl::Status PrepareEcho(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.size < 1 || options.size > kMostMessageBytes) return absl::InvalidArgumentError("--size is 1 to 1 GiB");
  const std::string message = PrintableText(options.size);
  plan.make_exchange = Fixed(message, message);
  return absl::OkStatus();
}

// The busy connections are what is measured: they show what the idle ones cost the server, for example in poll(2),
// which looks at all of them each time.
absl::Status PrepareIdle(const WorkloadOptions& options, LoadPlan& plan) {
  if (plan.idle_connections == 0) plan.idle_connections = kIdleConnections;
  return PrepareEcho(options, plan);
}

absl::Status PrepareDatagrams(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.size > kMostDatagramBytes) {
    return absl::InvalidArgumentError(absl::StrCat("--size is 1 to ", kMostDatagramBytes, " for datagrams"));
  }
  // A datagram that is lost is not sent again: its request counts as unanswered, since UDP leaves repeating to the
  // application, and echo has none.
  plan.datagrams = true;
  return PrepareEcho(options, plan);
}

absl::Status PrepareMessage(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.size < 1 || options.size > kMostChunkBytes) {
    return absl::InvalidArgumentError(absl::StrCat("--size is 1 to ", kMostChunkBytes, " for message"));
  }
  // The service has no framing: two messages at a time might be taken for one.
  if (plan.depth > 1) return absl::InvalidArgumentError("message has no framing, so that --depth is 1");
  // What the service answers to every message (protocol/message.h), as the course's programs have it.
  plan.make_exchange = Fixed(PrintableText(options.size), "Receive your message");
  return absl::OkStatus();
}

// For services whose reply begins with OK, and is the same each time. The server's own first reply becomes the measure
// of all others; whether that one is right is the business of the server's tests.
absl::Status PrepareSameReply(std::string request, LoadPlan& plan) {
  absl::StatusOr<std::string> reply = AskOnce(plan.to, request, plan.tls.get());
  if (!reply.ok()) return reply.status();
  // Otherwise a server that refuses would measure well: errors are short, and quickly sent.
  if (!absl::StartsWith(*reply, "OK ")) return absl::InvalidArgumentError(absl::StrCat("the server says: ", *reply));
  plan.make_exchange = Fixed(std::move(request), *std::move(reply));
  return absl::OkStatus();
}

absl::Status PrepareCompute(const WorkloadOptions& options, LoadPlan& plan) {
  return PrepareSameReply(absl::StrCat("PRIMES ", options.primes, "\n"), plan);
}

// A wait in milliseconds, whose mean is `mean`. Exponential: as the times between people who come by themselves.
// Two-humped: nine of ten wait half of the mean, and one, which found nothing in a cache, eleven times as long.
std::optional<double> DrawWait(absl::string_view kind, double mean, std::mt19937_64& random) {
  if (kind == "fixed") return mean;
  if (kind == "exponential") return std::exponential_distribution<double>(1 / mean)(random);
  if (kind == "two-humped") return std::bernoulli_distribution(0.1)(random) ? mean * 5.5 : mean / 2;
  return std::nullopt;
}

// The waits are drawn before the run, the same for all servers. Each connection begins elsewhere among them. A request
// is `prefix` and what the service `wait` is asked.
absl::Status PrepareWaits(absl::string_view prefix, const WorkloadOptions& options, LoadPlan& plan) {
  constexpr size_t kWaits = 4096;
  constexpr double kLongest = 60'000;  // What the service takes (protocol/wait.h).
  const double mean = absl::ToDoubleMilliseconds(options.wait);
  if (!(mean >= 1 && mean <= 10'000)) return absl::InvalidArgumentError("--wait is 1ms to 10s");
  std::mt19937_64 random(plan.seed);
  auto turns = std::make_shared<std::vector<RotatingExchange::Turn>>();
  while (turns->size() < kWaits) {
    const std::optional<double> drawn = DrawWait(options.wait_times, mean, random);
    if (!drawn.has_value()) return absl::InvalidArgumentError("--wait_times is fixed, exponential or two-humped");
    const long long wait = std::llround(std::min(*drawn, kLongest));
    turns->push_back({absl::StrCat(prefix, "WAIT ", wait, "\n"), absl::StrCat("OK ", wait, "\n")});
  }
  auto first = std::make_shared<size_t>(static_cast<size_t>(FirstConnection(plan)) * kStepBetweenConnections);
  plan.make_exchange = [=] { return std::make_unique<RotatingExchange>(turns, *first += kStepBetweenConnections); };
  return absl::OkStatus();
}

absl::Status PrepareWait(const WorkloadOptions& options, LoadPlan& plan) { return PrepareWaits("", options, plan); }

// Asks once, so that a server that asks no other one ends in an explanation and not in a report full of wrong replies.
absl::Status PrepareRelay(const WorkloadOptions& options, LoadPlan& plan) {
  const absl::StatusOr<std::string> reply = AskOnce(plan.to, "RELAY 1 WAIT 0\n", plan.tls.get());
  if (!reply.ok()) return reply.status();
  if (*reply != "OK 0\n") {
    return absl::InvalidArgumentError(
        absl::StrCat("the first server of --relay_to has to be one of the service wait; the server says: ", *reply));
  }
  return PrepareWaits("RELAY 1 ", options, plan);
}

absl::Status PrepareDownload(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.name.empty()) return absl::InvalidArgumentError("--name is missing: the file to ask for");
  return PrepareSameReply(absl::StrCat("G ", options.name, "\n"), plan);
}

// The file in two halves, as two clients would fetch it that share the work.
absl::Status PrepareHalves(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.name.empty()) return absl::InvalidArgumentError("--name is missing: the file to ask for");
  absl::StatusOr<std::string> whole = AskOnce(plan.to, absl::StrCat("G ", options.name, "\n"), plan.tls.get());
  if (!whole.ok()) return whole.status();
  if (!absl::StartsWith(*whole, "OK ")) return absl::InvalidArgumentError(absl::StrCat("the server says: ", *whole));
  // What follows the line "OK <n>" (protocol/file.h).
  const std::string content = whole->substr(whole->find('\n') + 1);
  const size_t middle = content.size() / 2;
  auto turns = std::make_shared<std::vector<RotatingExchange::Turn>>();
  for (const auto& [from, length] : {std::pair(size_t{0}, middle), std::pair(middle, content.size() - middle)}) {
    // The expected replies are cut out of the whole file: so a server that sends the wrong half, or the whole, is found
    // out.
    turns->push_back({absl::StrCat("R ", options.name, " ", from, " ", length, "\n"),
                      absl::StrCat("OK ", length, "\n", content.substr(from, length))});
  }
  // Half of the connections begin with each half.
  auto next = std::make_shared<size_t>(static_cast<size_t>(FirstConnection(plan)));
  plan.make_exchange = [=] { return std::make_unique<RotatingExchange>(turns, (*next)++); };
  return absl::OkStatus();
}

absl::Status PrepareLibrary(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.size < 1 || options.size > kMostUploadBytes) return absl::InvalidArgumentError("--size is 1 to 64 MiB");
  // The get must see what the put before it has stored, which is certain only once that was acknowledged.
  if (plan.depth > 1) return absl::InvalidArgumentError("--depth is 1 for library");
  auto visits = std::make_shared<LibraryVisits>(options.name.empty() ? "visit" : options.name, options.size,
                                                FirstConnection(plan));
  plan.make_exchange = [visits] { return visits->NewExchange(); };
  return absl::OkStatus();
}
// As PrepareSameReply(), but compares only the contents: the heads differ in their Date. The content is held once, and
// all connections compare with it.
absl::Status PrepareGet(const std::string& name, LoadPlan& plan) {
  const std::string path = absl::StrCat("/", name);
  absl::StatusOr<std::string> content = GetOnce(plan.to, path, plan.tls.get());
  if (!content.ok()) return content.status();
  auto shared_request = std::make_shared<const std::string>(HttpRequestHead("GET", path, plan.to) + "\r\n");
  auto shared_content = std::make_shared<const std::string>(*std::move(content));
  plan.make_exchange = [=] { return std::make_unique<HttpGet>(shared_request, shared_content); };
  return absl::OkStatus();
}

absl::Status PrepareHttp(const WorkloadOptions& options, LoadPlan& plan) { return PrepareGet(options.name, plan); }

absl::Status PrepareUpload(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.size < 1 || options.size > kMostUploadBytes) return absl::InvalidArgumentError("--size is 1 to 64 MiB");
  const std::string prefix = options.name.empty() ? "upload" : options.name;
  auto upload = std::make_shared<Upload>(plan.to, prefix, options.size, plan.tls, FirstConnection(plan));
  // The exchanges refer to `upload`, and these two functions keep it alive as long as the plan.
  plan.make_exchange = [upload] { return upload->NewExchange(); };
  plan.inspect = [upload] { return upload->Inspect(); };
  return absl::OkStatus();
}

// For workloads whose requests have times of their own.
absl::Status FollowSchedule(Schedule schedule, const ScheduledClients::Behaviour& behaviour, LoadPlan& plan) {
  if (plan.rate.has_value() || plan.depth > 1 || plan.idle_connections > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(plan.workload, " has times and connections of its own: no --rate, --depth, --idle"));
  }
  // For the report, which is that of an open loop and compares this rate with the one reached. The times of the
  // requests come from the schedule alone.
  plan.rate = schedule.rate();
  plan.connections = static_cast<int>(schedule.clients);
  // A schedule may have fewer clients than --threads, and each thread needs one.
  plan.threads = std::min(plan.threads, plan.connections / plan.agents);
  if (plan.threads == 0) return absl::InvalidArgumentError("the schedule has fewer clients than there are --agents");
  const auto shared = std::make_shared<const Schedule>(std::move(schedule));
  plan.make_thread = [=](const LoadPlan& share) {
    return std::make_unique<ScheduledClients>(share, shared, static_cast<uint32_t>(share.first_connection), behaviour);
  };
  return absl::OkStatus();
}

absl::Status PrepareReplay(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.schedule.empty()) return absl::InvalidArgumentError("--schedule is missing: the file of the requests");
  absl::StatusOr<Schedule> schedule = ReadSchedule(options.schedule, plan.to);
  if (!schedule.ok()) return schedule.status();
  ScheduledClients::Behaviour behaviour;
  behaviour.keep_alive = options.keep_alive;
  std::mt19937_64 random(plan.seed);
  // By the plan's seed, so that a run can be repeated, and several servers can be given the same part of the schedule.
  behaviour.begin = options.begin.value_or(
      absl::Nanoseconds(std::uniform_int_distribution<int64_t>(0, schedule->length - 1)(random)));
  return FollowSchedule(*std::move(schedule), behaviour, plan);
}

absl::Status PrepareWeb(const WorkloadOptions& options, LoadPlan& plan) {
  if (options.think_time < absl::Milliseconds(1)) return absl::InvalidArgumentError("--think_time is at least 1ms");
  if (!options.files.empty()) {
    if (absl::Status status = WriteWebFiles(options.files); !status.ok()) return status;
  }
  ScheduledClients::Behaviour behaviour;
  // Its users have been there for long: thousands of handshakes in the first second would be another workload.
  behaviour.connects_first = true;
  Schedule schedule =
      DrawWebUsers(static_cast<uint32_t>(plan.connections), options.think_time, plan.seed, options.name, plan.to);
  // One look at the smallest file, so that a wrong --name ends in an explanation and not in a report full of wrong
  // replies.
  const absl::StatusOr<std::string> first = GetOnce(plan.to, absl::StrCat("/", options.name, "00"), plan.tls.get());
  if (!first.ok()) {
    return absl::Status(first.status().code(), absl::StrCat("/", options.name, "00: ", first.status().message(),
                                                            "; --files=DIR writes the files of web into DIR"));
  }
  return FollowSchedule(std::move(schedule), behaviour, plan);
}

// A plan to be executed beside this one, over the same time, so that the first load's figures show what the second one
// costs it. It has one thread on each host, and no rate of its own.
LoadPlan Beside(const LoadPlan& plan, const WorkloadOptions& options) {
  LoadPlan beside;
  beside.to = options.beside_server.value_or(plan.to);
  beside.tls = options.beside_server.has_value() ? options.beside_tls : plan.tls;
  beside.connections = options.beside_connections;
  beside.agents = plan.agents;
  beside.agent = plan.agent;
  beside.warm_up = plan.warm_up;
  beside.duration = plan.duration;
  beside.interval = plan.interval;
  beside.patience = plan.patience;
  return beside;
}

// The first load is the one that suffers: its times show what the computing beside it costs.
absl::Status PrepareMixed(const WorkloadOptions& options, LoadPlan& plan) {
  if (!options.beside_server.has_value()) {
    return absl::InvalidArgumentError("--beside_server is missing: where the server computes");
  }
  // No rate of its own: it computes as fast as the server lets it, so that the echo beside it always has a rival.
  LoadPlan compute = Beside(plan, options);
  compute.workload = "compute";
  absl::Status status = PrepareCompute(options, compute);
  status.Update(PrepareEcho(options, plan));
  plan.beside.push_back(std::move(compute));
  return status;
}

absl::Status PrepareSlow(const WorkloadOptions& options, LoadPlan& plan) {
  LoadPlan slow = Beside(plan, options);
  slow.workload = "slow readers";
  const double rate = options.read_rate;
  // Not `rate < 1`: that would let NaN through.
  if (!(rate >= 1)) return absl::InvalidArgumentError("--read_rate is at least 1");
  slow.make_thread = [rate](const LoadPlan& share) { return std::make_unique<SlowReaders>(share, rate); };
  absl::Status status = PrepareGet(options.beside_name.empty() ? options.name : options.beside_name, slow);
  status.Update(PrepareGet(options.name, plan));
  plan.beside.push_back(std::move(slow));
  return status;
}

// The expected contents come from the disk, not from the server: it must be on this machine anyway.
absl::Status PrepareDisk(const WorkloadOptions& options, LoadPlan& plan) {
  if (plan.agents > 1) return absl::InvalidArgumentError("disk needs the server on its own machine: no --agents");
  if (options.files.empty()) return absl::InvalidArgumentError("--files is missing: the directory of the files");
  absl::StatusOr<std::shared_ptr<DiskFiles>> opened =
      DiskFiles::Open(options.files, options.name, plan.to, plan.connections);
  if (!opened.ok()) return opened.status();
  const std::shared_ptr<DiskFiles> files = *std::move(opened);
  plan.make_exchange = [files] { return DiskFiles::NewExchange(files); };
  plan.asking_takes_time = true;  // Ask() drops the file from the page cache: several system calls.
  plan.inspect = [files] { return files->Inspect(); };
  return absl::OkStatus();
}

absl::Status PrepareChat(const WorkloadOptions& options, LoadPlan& plan) {
  const size_t size = options.size;
  if (size < 1 || size > ChatCrowd::kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat("--size is 1 to ", ChatCrowd::kMaxTextBytes));
  }
  // A second thread's messages would interleave with the first one's, in an order that only the server knows.
  if (plan.threads > 1 || plan.agents > 1 || plan.rate.has_value() || plan.idle_connections > 0) {
    return absl::InvalidArgumentError("chat has one speaker, and one thread: no --threads, --agents, --rate, --idle");
  }
  if (plan.depth > ChatCrowd::kMaxDepth) {
    return absl::InvalidArgumentError(absl::StrCat("--depth is at most ", ChatCrowd::kMaxDepth, " for chat"));
  }
  // Here --depth is the window between the speaker and its slowest listener, not pipelining.
  plan.depth_in_words = "messages on their way to all";
  plan.make_thread = [size, listen_at = options.listen_at](const LoadPlan& share) {
    return std::make_unique<ChatCrowd>(share, size, listen_at);
  };
  return absl::OkStatus();
}

constexpr Workload kWorkloads[] = {
    {"echo", "echo", "messages of --size bytes, which come back", false, &PrepareEcho},
    {"idle", "echo", "as echo, beside --idle connections that say nothing; 1000 unless given", false, &PrepareIdle},
    {"churn", "echo", "connect, one message of --size bytes, close", true, &PrepareEcho},
    {"datagrams", "echo+udp", "as echo, by UDP; each connection is a peer", false, &PrepareDatagrams},
    {"message", "message", "messages of --size bytes, each of which is acknowledged", false, &PrepareMessage},
    {"http", "http", "GET /NAME on connections that are kept", false, &PrepareHttp},
    {"http-close", "http", "GET /NAME, a new connection each", true, &PrepareHttp},
    {"upload", "http", "PUT /NAME-1, /NAME-2, ...: --size bytes each; they are read back", false, &PrepareUpload},
    {"download", "file", "the file NAME by the file service", false, &PrepareDownload},
    {"halves", "file", "the file NAME by the file service, one half after the other", false, &PrepareHalves},
    {"library", "file", "put, get and list by the file service: a file of --size bytes each", false, &PrepareLibrary},
    {"compute", "compute", "the sum of the primes below --primes", false, &PrepareCompute},
    {"compute-close", "compute", "as compute, a new connection each", true, &PrepareCompute},
    {"wait", "wait", "nothing, for --wait: as if the server asked a database", false, &PrepareWait},
    {"wait-close", "wait", "as wait, a new connection each", true, &PrepareWait},
    {"relay", "relay", "as wait, of another server, which this one asks", false, &PrepareRelay},
    {"mixed", "echo", "as echo, with compute beside it: what it costs the others", false, &PrepareMixed},
    {"slow", "http", "as http, with readers beside it that take --read_rate bytes a second", false, &PrepareSlow},
    {"disk", "http", "GET each file of the directory --files, fetched from the disk", false, &PrepareDisk},
    {"chat", "chat", "one speaks, --connections listen; a reply is a delivery to one of them", false, &PrepareChat},
    {"web", "http", "--connections users of a web site: pages of many sizes, and time to think", false, &PrepareWeb},
    {"replay", "http", "the requests of the file --schedule, each at its time", false, &PrepareReplay},
};

}  // namespace

absl::Span<const Workload> AllWorkloads() { return kWorkloads; }

const Workload* FindWorkload(absl::string_view name) {
  for (const Workload& workload : kWorkloads) {
    if (name == workload.name) return &workload;
  }
  return nullptr;
}

}  // namespace polyserve
