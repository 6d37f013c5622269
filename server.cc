// The front end: turns flags into listeners and a backend, and lets the backend serve. The only place that knows both
// models and services.
#include <fcntl.h>
#include <gflags/gflags.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/registry.h"
#include "base/build_info.h"
#include "base/command_line.h"
#include "base/descriptor_limit.h"
#include "base/line_output.h"
#include "base/logging.h"
#include "files/library.h"
#include "files/log_file.h"
#include "files/root.h"
#include "net/datagram.h"
#include "net/endpoint.h"
#include "net/process.h"
#include "net/progress_watch.h"
#include "net/signals.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "net/worker_slots.h"
#include "protocol/http/host.h"
#include "protocol/http/server_report.h"
#include "protocol/http/site.h"
#include "room_host.h"
#include "services.h"

DEFINE_string(model, "epoll", "who serves a client; 'help' prints a table of the models");
DEFINE_string(listen, "",
              "what to serve and where, comma-separated: SERVICE[+udp]://HOST:PORT; port 0 is any free port");
DEFINE_string(root, ".", "the directory whose files are served; SIGHUP looks again at where its path leads");
DEFINE_bool(read_only, false, "take no uploads");
DEFINE_int64(max_file_bytes, int64_t{16} << 30, "the largest upload that is taken, in bytes");
DEFINE_string(idle_timeout, "5m", "close a connection on which nothing moves for so long; 'inf' for never");
DEFINE_int64(min_rate, 512,
             "bytes per second: close a connection whose peer takes a reply, or sends the rest of a request, more "
             "slowly on average; 0 for never");
DEFINE_string(min_rate_window, "2m", "how long such a peer may stay below --min_rate");
DEFINE_int64(max_connections, 0, "how many connections there may be at a time, over all workers; 0: as many as come");
DEFINE_string(overload, "wait", "what happens to those who are too many: wait (in the kernel's queue) or refuse");
DEFINE_string(request_timeout, "20s",
              "http: the head of a request has to come in so long, and of a content 10 KiB at least in each such time");
DEFINE_string(
    allowed_hosts, "",
    "http: the names in Host that are answered for, comma-separated; .example.org is that name and all below it, "
    "* any name; addresses, localhost and names without a dot always are. By default any, but no others if http "
    "listens on loopback addresses only");
DEFINE_bool(
    trusted_pages, false,
    "http: HTML, SVG and XML files are trusted with the server's own origin although others may upload; implied "
    "by --read_only");
DEFINE_string(access_log, "", "http: append a line for each request to this file (combined format); SIGHUP reopens it");
DEFINE_bool(precompressed, false,
            "http: send NAME.br, NAME.zst or NAME.gz instead of NAME to clients that accept it; it has to be newer");
DEFINE_int32(listen_backlog, polyserve::ListenOptions().backlog,
             "connections that may wait to be accepted; the system cuts it down to net.core.somaxconn");
DEFINE_bool(tcp_nodelay, polyserve::ListenOptions().no_delay, "small replies leave at once (TCP_NODELAY)");
DEFINE_int32(socket_buffer, polyserve::ListenOptions().buffer_bytes,
             "bytes for sending and for receiving in each connection; 0: the system adapts them");
DEFINE_string(drain_timeout, "10s", "how long running requests may go on after SIGTERM");
DEFINE_string(admin_name, "管理员",
              "chat: as whom the operator speaks, on standard input; no other name may contain it");
DEFINE_int32(chat_rate, polyserve::RoomLimits().commands_per_second,
             "chat: commands that a member may give in a second; 0: any number");
DEFINE_int64(chat_memory, static_cast<int64_t>(polyserve::RoomLimits().waiting_bytes),
             "chat: bytes that may wait for all members together; beyond that, the slowest one is cut off");
DEFINE_bool(build_info, false, "say how this program was built, and end");
DECLARE_bool(help);

namespace polyserve {

namespace {

// One address of --listen.
struct Target {
  const Service* service;
  Transport transport;
  Endpoint endpoint;
  bool is_loopback;  // As it was written.
};

constexpr int kUsageError = 2;

// What accepting and serving one client may take: its socket, files, a mailbox, what a worker waits with.
constexpr int kDescriptorsForClient = 12;

// Bounds of what may be tuned: the kernel's own for a backlog (16 bits of old), and what it accepts as a buffer.
constexpr int kMaxListenBacklog = 65535;
constexpr int kLeastSocketBuffer = 2048;
constexpr int kMaxSocketBuffer = 1 << 30;
constexpr int64_t kMaxMinRate = int64_t{1} << 30;

// Of what a member of the chat room may cost: more than any room takes, and less than one burst needs.
constexpr int kMaxChatRate = 10'000'000;
constexpr int64_t kLeastChatMemory = 1 << 20;
constexpr int64_t kMaxChatMemory = int64_t{1} << 40;

int Fail(const absl::Status& error) {
  fprintf(stderr, "server: %s\n", std::string(error.message()).c_str());
  return kUsageError;
}

std::vector<std::string> ModelFlags() {
  std::vector<std::string> flags;
  for (const Model& model : AllModels()) {
    for (absl::string_view flag : absl::StrSplit(model.flags, ' ', absl::SkipEmpty())) {
      if (std::find(flags.begin(), flags.end(), flag) == flags.end()) flags.emplace_back(flag);
    }
  }
  return flags;
}

void PrintHelp() {
  absl::PrintF("server: serves files and more, with the concurrency model of your choice.\n\n");
  absl::PrintF("  server --model=epoll --listen=file://127.0.0.1:8888,echo://[::1]:7777 --root=DIR\n\nFlags:\n");
  absl::PrintF("%s", DescribeFlags({"model",          "listen",          "root",          "read_only",
                                    "max_file_bytes", "idle_timeout",    "min_rate",      "min_rate_window",
                                    "drain_timeout",  "max_connections", "overload",      "request_timeout",
                                    "allowed_hosts",  "trusted_pages",   "access_log",    "precompressed",
                                    "listen_backlog", "tcp_nodelay",     "socket_buffer", "admin_name",
                                    "chat_rate",      "chat_memory",     "build_info"}));
  absl::PrintF("\nFlags of single models:\n%s", DescribeFlags(ModelFlags()));
  absl::PrintF("\nServices, and where they listen on 127.0.0.1 where --listen is not given:\n");
  for (const Service& service : AllServices()) {
    const std::string name = absl::StrCat(service.name, service.has_stream() ? "" : "+udp");
    absl::PrintF("  %-10s port %d  %s\n", name, service.default_port, service.description);
  }
  absl::PrintF(
      "\nSIGTERM and SIGINT let running requests finish; a second one ends at once. SIGUSR1 prints statistics.\n");
}

// For the statistics.
int NumberOf(const Service& service) { return static_cast<int>(&service - AllServices().data()); }

// Looks at the text alone, since an image of this program has looked up no names.
bool IsLoopback(absl::string_view host_and_port) {
  return absl::StartsWith(host_and_port, "localhost:") || absl::StartsWith(host_and_port, "127.") ||
         absl::StartsWith(host_and_port, "[::1]:") || absl::StartsWith(host_and_port, "[::ffff:127.");
}

absl::StatusOr<Target> ParseTarget(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits("://", 1));
  if (parts.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen: '", text, "' is not SERVICE://HOST:PORT, for example file://127.0.0.1:8888"));
  }
  absl::string_view name = parts[0];
  const Transport transport = absl::ConsumeSuffix(&name, "+udp") ? Transport::kDatagrams : Transport::kStream;
  const Service* service = FindService(name);
  const bool is_there =
      service != nullptr && (transport == Transport::kStream ? service->has_stream() : service->has_datagrams());
  if (!is_there) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen: there is no service '", parts[0], "'; there are ", ServiceNames()));
  }
  // An image has nothing to bind, and no name to look up.
  if (Process::IsImage()) return Target{service, transport, Endpoint(), IsLoopback(parts[1])};
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(parts[1]);
  if (!endpoint.ok()) return absl::InvalidArgumentError(absl::StrCat("--listen: ", endpoint.status().message()));
  return Target{service, transport, *endpoint, IsLoopback(parts[1])};
}

absl::StatusOr<std::vector<Target>> ParseTargets() {
  std::vector<std::string> texts = absl::StrSplit(FLAGS_listen, ',', absl::SkipWhitespace());
  if (texts.empty()) {
    for (const Service& service : AllServices()) {
      const absl::string_view suffix = service.has_stream() ? "" : "+udp";
      texts.push_back(absl::StrCat(service.name, suffix, "://127.0.0.1:", service.default_port));
    }
  }
  std::vector<Target> targets;
  for (const std::string& text : texts) {
    absl::StatusOr<Target> target = ParseTarget(text);
    if (!target.ok()) return target.status();
    targets.push_back(*target);
  }
  return targets;
}

// A flag that another model has and this one has not would do nothing: better to say so.
absl::Status CheckModelFlags(const Model& model) {
  const std::vector<absl::string_view> own = absl::StrSplit(model.flags, ' ', absl::SkipEmpty());
  for (const std::string& flag : ModelFlags()) {
    if (IsFlagSet(flag) && std::find(own.begin(), own.end(), flag) == own.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag, " means nothing to --model=", model.name, "; leave it out (see --model=help)"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend() {
  const Model* model = FindModel(FLAGS_model);
  if (model == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no model '", FLAGS_model, "'; see --model=help"));
  }
  if (absl::Status status = CheckModelFlags(*model); !status.ok()) return status;
  return model->make();
}

bool AnyOf(const std::vector<Target>& targets, bool Service::*trait) {
  return std::any_of(targets.begin(), targets.end(), [trait](const Target& target) { return target.service->*trait; });
}

ServerReport MakeReport(const Statistics& statistics) {
  statistics.Sweep();
  const Totals total = statistics.Total();
  ServerReport report{.model = FLAGS_model,
                      .uptime_seconds = absl::ToDoubleSeconds(statistics.uptime()),
                      .accepted = total.accepted,
                      .active = total.active(),
                      .refused = total.refused,
                      .lost_log_lines = statistics.access_log().lost,
                      .lost_server_log_lines = statistics.server_log().lost,
                      .workers = {},
                      .services = {}};
  for (const WorkerSlots::Worker& worker : statistics.places().List()) {
    report.workers.push_back({worker.process, worker.thread});
  }
  for (const Service& service : AllServices()) {
    const Totals of = statistics.TotalOf(NumberOf(service));
    report.services.push_back({service.name, of.accepted, of.requests, of.errors, of.bytes_in, of.bytes_out});
  }
  return report;
}

// Null where --max_connections sets no bound.
absl::StatusOr<std::unique_ptr<ConnectionLimit>> MakeTurnstile(const Statistics& statistics) {
  if (FLAGS_overload != "wait" && FLAGS_overload != "refuse") {
    return absl::InvalidArgumentError(absl::StrCat("--overload=", FLAGS_overload, " is not one of wait, refuse"));
  }
  if (FLAGS_max_connections < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--max_connections=", FLAGS_max_connections, " is below 0"));
  }
  if (FLAGS_max_connections == 0 && IsFlagSet("overload")) {
    return absl::InvalidArgumentError("--overload goes with --max_connections=N; leave it out, or say how many");
  }
  if (FLAGS_max_connections == 0 || Process::IsImage()) return nullptr;
  return ConnectionLimit::Create(
      statistics, FLAGS_max_connections,
      FLAGS_overload == "wait" ? ConnectionLimit::Overload::kWait : ConnectionLimit::Overload::kRefuse);
}

absl::StatusOr<ListenOptions> MakeListenOptions() {
  absl::Status status = CheckFlagRange("listen_backlog", FLAGS_listen_backlog, 1, kMaxListenBacklog);
  if (FLAGS_socket_buffer != 0) {
    status.Update(CheckFlagRange("socket_buffer", FLAGS_socket_buffer, kLeastSocketBuffer, kMaxSocketBuffer));
  }
  if (!status.ok()) return status;
  return ListenOptions{FLAGS_listen_backlog, FLAGS_tcp_nodelay, FLAGS_socket_buffer};
}

absl::StatusOr<LeastRate> MakeLeastRate() {
  if (absl::Status status = CheckFlagRange("min_rate", FLAGS_min_rate, 0, kMaxMinRate); !status.ok()) return status;
  const absl::StatusOr<absl::Duration> window = ParseTimeFlag("min_rate_window", FLAGS_min_rate_window);
  if (!window.ok()) return window.status();
  if (*window < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("--min_rate_window is below 1ms; --min_rate=0 is for no least rate");
  }
  return LeastRate{FLAGS_min_rate, *window};
}

// An image of the server has the root from the server, whatever the path leads to meanwhile.
absl::StatusOr<std::shared_ptr<const Library>> OpenLibrary(const Statistics& statistics) {
  absl::StatusOr<std::unique_ptr<Root>> root = Process::IsImage() ? Root::OfServer(FLAGS_root) : Root::Open(FLAGS_root);
  if (!root.ok()) return root.status();
  (*root)->Share(statistics.root_openings(), statistics.root_holder());
  return Library::Create(*std::move(root), {.read_only = FLAGS_read_only, .max_file_bytes = FLAGS_max_file_bytes});
}

// On SIGHUP. `log` may be null.
void Reload(LogFile* log, const Library& library) {
  if (log != nullptr) log->Reopen();
  const absl::Status status = library.ReopenRoot();
  if (!status.ok()) LOG(WARNING) << "--root: the directory of before is served on: " << status.message();
}

absl::StatusOr<HttpAllowedHosts> MakeAllowedHosts(const std::vector<Target>& targets) {
  const bool is_reachable = std::any_of(targets.begin(), targets.end(), [](const Target& target) {
    return absl::string_view(target.service->name) == "http" && !target.is_loopback;
  });
  if (FLAGS_allowed_hosts.empty() && is_reachable) return HttpAllowedHosts();
  absl::StatusOr<HttpAllowedHosts> hosts = HttpAllowedHosts::Parse(FLAGS_allowed_hosts);
  if (!hosts.ok()) return absl::InvalidArgumentError(absl::StrCat("--allowed_hosts: ", hosts.status().message()));
  return hosts;
}

absl::StatusOr<RoomLimits> MakeRoomLimits() {
  absl::Status status = CheckFlagRange("chat_rate", FLAGS_chat_rate, 0, kMaxChatRate);
  status.Update(CheckFlagRange("chat_memory", FLAGS_chat_memory, kLeastChatMemory, kMaxChatMemory));
  if (!status.ok()) return status;
  return RoomLimits{FLAGS_chat_rate, static_cast<size_t>(FLAGS_chat_memory)};
}

absl::StatusOr<HttpSite::Options> MakeHttpOptions(const std::vector<Target>& targets, const Statistics& statistics) {
  HttpSite::Options options;
  absl::StatusOr<HttpAllowedHosts> hosts = MakeAllowedHosts(targets);
  if (!hosts.ok()) return hosts.status();
  options.allowed_hosts = *std::move(hosts);
  options.sandboxes_pages = !FLAGS_read_only && !FLAGS_trusted_pages;
  options.report = [statistics] { return MakeReport(statistics); };
  const absl::StatusOr<absl::Duration> timeout = ParseTimeFlag("request_timeout", FLAGS_request_timeout);
  if (!timeout.ok()) return timeout.status();
  if (*timeout < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError("--request_timeout is below 1ms; 'inf' is for never");
  }
  options.request_timeout = *timeout;
  options.precompressed = FLAGS_precompressed;
  if (FLAGS_access_log.empty()) return options;
  options.access_log = std::make_shared<LogFile>(FLAGS_access_log, statistics.access_log());
  if (Process::IsImage()) return options;  // Opens it with the first line.
  if (absl::Status status = options.access_log->Open(); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--access_log: ", status.message()));
  }
  return options;
}

absl::StatusOr<ServerContext> MakeContext(const std::vector<Target>& targets, const ServiceContext& services,
                                          Statistics statistics) {
  const absl::StatusOr<absl::Duration> idle_timeout = ParseTimeFlag("idle_timeout", FLAGS_idle_timeout);
  if (!idle_timeout.ok()) return idle_timeout.status();
  if (*idle_timeout < absl::Milliseconds(1))
    return absl::InvalidArgumentError("--idle_timeout is below 1ms; 'inf' is for never");
  absl::StatusOr<std::unique_ptr<ConnectionLimit>> connection_limit = MakeTurnstile(statistics);
  if (!connection_limit.ok()) return connection_limit.status();
  const absl::StatusOr<LeastRate> least_rate = MakeLeastRate();
  if (!least_rate.ok()) return least_rate.status();
  const absl::StatusOr<ListenOptions> listen = MakeListenOptions();
  if (!listen.ok()) return listen.status();
  ServerContext context{{}, *idle_timeout, std::move(statistics), *std::move(connection_limit), *listen};
  context.least_rate = *least_rate;
  context.listen.send_timeout = ProgressLimits(*idle_timeout, *least_rate).send_wait();
  for (const Target& target : targets) {
    auto make_session = target.service->make_session;
    const bool is_for_datagrams = target.transport == Transport::kDatagrams;
    if (is_for_datagrams && target.service->make_datagram_session != nullptr) {
      make_session = target.service->make_datagram_session;
    }
    context.listeners.push_back({target.service->name, UniqueFd(),
                                 [make_session, services] { return make_session(services); }, target.transport,
                                 target.service->has_own_ports()});
    context.listeners.back().number = NumberOf(*target.service);
  }
  return context;
}

absl::Status Bind(const std::vector<Target>& targets, ServerContext& context) {
  for (size_t i = 0; i < targets.size(); ++i) {
    absl::StatusOr<UniqueFd> fd = targets[i].transport == Transport::kDatagrams
                                      ? BindUdp(targets[i].endpoint)
                                      : ListenTcp(targets[i].endpoint, context.idle_timeout, context.listen);
    if (!fd.ok()) {
      return absl::Status(fd.status().code(),
                          absl::StrCat("--listen: ", fd.status().message(), "; choose another address"));
    }
    context.listeners[i].fd = *std::move(fd);
    if (!context.listeners[i].has_datagrams() || context.listeners[i].own_ports) continue;
    const absl::Status status = NeverAnswerAnswers(context.listeners[i].fd.get());
    if (!status.ok()) LOG(WARNING) << "other servers' answers are not told from requests: " << status.message();
  }
  return absl::OkStatus();
}

// What scripts wait for. Written at once and whole; nobody need be reading it, and a pipe that is full is not waited
// for.
absl::Status Announce(const ServerContext& context) {
  std::string lines;
  for (const Listener& listener : context.listeners) {
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (!at.ok()) return at.status();
    absl::StrAppend(&lines, "listening ", listener.service, listener.has_datagrams() ? " udp " : " tcp ",
                    at->ToString(), "\n");
  }
  absl::StrAppend(&lines, "ready model=", FLAGS_model, " pid=", ::getpid(), "\n");
  LogHealth health;
  if (!LineOutput::Own(STDOUT_FILENO).Append(lines, health)) {
    LOG(WARNING) << "standard output takes nothing: it was not told that the server is ready";
  }
  return absl::OkStatus();
}

int Run(int argc, char** argv) {
  Process::SetCommandLine(argc, argv);
  const absl::StatusOr<std::vector<std::string>> others = ParseCommandLine(argc, argv);
  if (!others.ok()) return Fail(others.status());
  if (FLAGS_help) return PrintHelp(), 0;
  if (FLAGS_build_info) return absl::PrintF("%s", DescribeBuild()), 0;
  if (FLAGS_model == "help") return absl::PrintF("%s", DescribeModels()), 0;
  if (!others->empty()) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("'", others->front(), "' is not a flag; see --help")));
  }

  absl::StatusOr<std::unique_ptr<Backend>> backend = MakeBackend();
  if (!backend.ok()) return Fail(backend.status());
  const absl::StatusOr<std::vector<Target>> targets = ParseTargets();
  if (!targets.ok()) return Fail(targets.status());
  const absl::StatusOr<absl::Duration> drain_timeout = ParseTimeFlag("drain_timeout", FLAGS_drain_timeout);
  if (!drain_timeout.ok()) return Fail(drain_timeout.status());
  const absl::StatusOr<RoomLimits> room_limits = MakeRoomLimits();
  if (!room_limits.ok()) return Fail(room_limits.status());
  const absl::StatusOr<std::unique_ptr<RoomHost>> host =
      RoomHost::Create(FLAGS_admin_name, *room_limits, TraitsWithFlags(*FindModel(FLAGS_model)).shares_memory);
  if (!host.ok()) return Fail(host.status());
  const absl::StatusOr<Statistics> statistics = Statistics::Create();
  if (!statistics.ok()) return Fail(statistics.status());
  CountLostLinesIn(statistics->server_log());
  absl::StatusOr<std::shared_ptr<const Library>> library = OpenLibrary(*statistics);
  if (!library.ok()) return Fail(absl::NotFoundError(absl::StrCat("--root: ", library.status().message())));
  const absl::StatusOr<HttpSite::Options> http_options = MakeHttpOptions(*targets, *statistics);
  if (!http_options.ok()) return Fail(http_options.status());
  const bool has_room = AnyOf(*targets, &Service::has_room);
  const bool has_operator = AnyOf(*targets, &Service::has_operator);
  const ServiceContext services(*library, *http_options, has_room ? (*host)->room() : nullptr);
  absl::StatusOr<ServerContext> context = MakeContext(*targets, services, *statistics);
  if (!context.ok()) return Fail(context.status());
  context->reload = [log = http_options->access_log, library = *library] { Reload(log.get(), *library); };

  Signals::SetDrainTimeout(*drain_timeout);
  if (!Process::IsImage()) {  // An image serves what it is handed, and is not the one to bind or to say so.
    RaiseDescriptorLimit();
    absl::Status status = Signals::Install();
    if (status.ok() && has_room) status = (*host)->Open(*context, has_operator);
    if (status.ok()) status = Bind(*targets, *context);
    if (status.ok()) status = (*backend)->Prepare(*context);
    if (status.ok() && has_operator) status = (*host)->OpenToOperator();
    if (status.ok()) status = CheckDescriptorsAreLeft(kDescriptorsForClient, "no descriptor is left to serve with");
    if (status.ok()) status = Announce(*context);
    if (!status.ok()) return Fail(status);
  }
  if (has_room) (*host)->AddInheritedFd(*context);
  const absl::Status status = (*backend)->Serve(*context);
  if (!status.ok()) LOG(ERROR) << status.message();
  backend->reset();  // Where serving has failed there may be sessions left, which need the context and the room.
  return status.ok() ? 0 : 1;
}

// Where the server was started with standard descriptors closed, their numbers must not fall to sockets and files: what
// is written to standard output would land in them.
void OpenStandardDescriptors() {
  for (int fd = 0; fd <= STDERR_FILENO;) {
    fd = ::open("/dev/null", O_RDWR);
    if (fd < 0) return;
    if (fd > STDERR_FILENO) ::close(fd);
  }
}

}  // namespace

}  // namespace polyserve

#ifdef __SANITIZE_THREAD__
// What ThreadSanitizer does not see: that Debian's Abseil makes its list of errors' texts before others read it, and
// that the ring closes descriptors, and openat2(2) opens some, so that a number that comes back is another descriptor.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:base_internal::StrError\nrace:close\n"; }
#endif

int main(int argc, char** argv) {
  polyserve::OpenStandardDescriptors();
  polyserve::InitLogging();
  return polyserve::Run(argc, argv);
}
