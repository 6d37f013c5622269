#include "server_config.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "access/address_limits.h"
#include "access/address_places.h"
#include "address_options.h"
#include "backends/other_names.h"
#include "base/build_info.h"
#include "base/command_line.h"
#include "base/help_text.h"
#include "base/take.h"
#include "connection_flags.h"
#include "net/process.h"
#include "process_flags.h"
#include "protocol/http/host.h"
#include "relay_flags.h"
#include "room_flags.h"
#include "stop_options.h"
#include "tls_flags.h"

// The flags of the server itself; those of single models are defined beside the models, so that a program with fewer
// models has fewer flags. If a struct has a default, the flag takes it from there: a test that fills the struct without
// any flags then runs with the server's values.
DEFINE_string(model, "epoll", "=NAME who serves a client; 'help' prints what each model can do");
DEFINE_string(listen, "",
              "=SERVICE[+tls|+udp]://HOST:PORT,... what to serve and where; +tls encrypts it; port 0 is any free port; "
              "'exec:/usr/bin/tr a-z A-Z://HOST:PORT' runs a program; all other services on 127.0.0.1 unless given");
DEFINE_string(root, ".", "=DIR the directory whose files are served; SIGHUP looks again at where its path leads");
DEFINE_bool(read_only, false, "take no uploads");
DEFINE_int64(max_file_bytes, int64_t{16} << 30, "=BYTES the largest upload that is taken");
DEFINE_int64(library_quota, 0,
             "=BYTES the most that all files beneath --root may have together; further uploads are refused; SIGHUP "
             "counts them again; 0: no limit");
DEFINE_string(durability, "none",
              "=none|fsync acknowledge an upload at once, or only when it is on the disk, so that it survives the loss "
              "of power");
DEFINE_string(
    auth_file, "",
    "=FILE who may do what: lines of name:hash:rights, as tools/password makes them; SIGHUP reads it anew. By "
    "default everyone may do everything");
DEFINE_int32(auth_failures, polyserve::Access::Options().failures_per_minute,
             "with --auth_file: the wrong passwords that an address may send in a minute; 0: any number");
DEFINE_int32(max_connections_per_address, 0,
             "the most connections at a time from one address; others are closed at once; 0: no limit");
DEFINE_int32(rate_per_address, 0,
             "the requests of http and commands of file from one address in a second, and as many at once after a "
             "silence; others are answered with 429; 0: any number");
DEFINE_string(keep_alive_timeout, "inf",
              "=TIME how long http waits for the next request on a connection; 'inf': as long as --idle_timeout");
DEFINE_int32(max_requests_per_connection, 0, "the requests of http on one connection; 0: any number");
DEFINE_string(
    request_timeout, "20s",
    "=TIME the time allowed for a TLS handshake, for the head of a request, and for each 10 KiB of its content");
DEFINE_string(
    allowed_hosts, "",
    "=HOST,... the hosts that the server answers for; .example.org is that name and all below it, * any name; "
    "addresses, localhost and names without a dot are always allowed. By default any host; none but these if http "
    "listens on loopback addresses only");
DEFINE_bool(trusted_pages, false,
            "send HTML, SVG and XML files without a sandbox although clients may upload; implied by --read_only");
DEFINE_string(access_log, "", "=FILE append a line for each request to this file (combined format); SIGHUP reopens it");
DEFINE_bool(precompressed, false,
            "send NAME.br, NAME.zst or NAME.gz instead of NAME to clients that accept it; it has to be newer");
DEFINE_bool(tftp_writes, false, "take uploads by TFTP, which asks no client who it is, under names that are free");
DEFINE_bool(tftp_overwrite, false, "with --tftp_writes: uploads by TFTP may replace files as well");
DEFINE_bool(check, false,
            "do not serve: say whether flags, certificates and files are right, with status 0 if so, otherwise 2");
DEFINE_bool(build_info, false, "print how this program was built");
DECLARE_string(upstream);
DECLARE_bool(help);
DECLARE_bool(version);

namespace polyserve {

namespace {

// The flags that belong to single models, each once, in the order of the models.
std::vector<std::string> ModelFlags() {
  std::vector<std::string> flags;
  for (const Model& model : AllModels()) {
    for (absl::string_view flag : absl::StrSplit(model.flags, ' ', absl::SkipEmpty())) {
      // Models of a family share flags, such as the bounds of all pools, and the help lists each flag once.
      if (std::find(flags.begin(), flags.end(), flag) == flags.end()) flags.emplace_back(flag);
    }
  }
  return flags;
}

// By topic, not by name as gflags would: a reader meets --model and --listen first. A flag that is missing here still
// works, so a new flag has to be added here as well.
constexpr FlagTopic kTopics[] = {
    {"What is served, and by whom", "model listen inetd root read_only max_file_bytes library_quota durability"},
    {"Files of another server", "upstream upstream_timeout upstream_fresh upstream_cache"},
    {"Who may do what", "auth_file auth_failures admin_from"},
    {"Connections",
     "proxy_protocol_from max_connections overload overload_queue overload_target overload_interval "
     "max_connections_per_address rate_per_address listen_backlog tcp_nodelay socket_buffer"},
    {"Time limits", "idle_timeout tcp_keep_alive min_rate min_rate_window stop_notice drain_timeout stop_grace"},
    {"http",
     "request_timeout keep_alive_timeout max_requests_per_connection allowed_hosts trusted_pages precompressed"},
    {"Logs and figures", "access_log log_level log_format time_requests"},
    {"relay", "relay_to relay_timeout"},
    {"tftp", "tftp_writes tftp_overwrite"},
    {"TLS", "tls_cert tls_key tls_client_ca tls_client_cert"},
    {"exec", "allow_exec exec_max exec_kill_after"},
    {"chat", "admin_name chat_rate chat_memory room_history room room_ca room_timeout room_expiry"},
    {"What the process may do", "user group chroot sandbox"},
};

void PrintHelp() {
  std::string text =
      "server: serves files and more, with the concurrency model of your choice\n\n"
      "  server --model=epoll --listen=file://127.0.0.1:8888,echo://[::1]:7777 --root=DIR\n";
  absl::StrAppend(&text, DescribeTopics(kTopics), "\nFlags of single models:\n",
                  DescribeFlags(absl::StrJoin(ModelFlags(), " ")), "\nThe program itself:\n",
                  HelpEntry("--flagfile=FILE", "take flags from this file as well, one a line; # begins a comment"),
                  DescribeFlags("trace check build_info version"), HelpEntry("--help", "print this text"));
  absl::StrAppend(&text, "\nModels:\n");
  for (const Model& model : AllModels()) absl::StrAppend(&text, HelpEntry(model.name, model.description));
  absl::StrAppend(&text, "\nServices and their default ports:\n");
  for (const Service& service : AllServices()) {
    // As --listen accepts it: a service that has no TCP with its only suffix, one that runs programs with one.
    const char* const suffix = service.runs_programs ? ":PROGRAM" : service.has_stream() ? "" : "+udp";
    const std::string port = service.default_port == 0 ? "none" : absl::StrCat(service.default_port);
    absl::StrAppend(&text,
                    HelpEntry(absl::StrCat(service.name, suffix), absl::StrCat(port, ": ", service.description)));
  }
  absl::StrAppend(
      &text, "\n",
      HelpParagraph("SIGTERM and SIGINT let running requests finish; a second one ends at once. SIGUSR1 "
                    "prints statistics. SIGHUP opens the access log and the root anew, and reads --auth_file and the "
                    "certificates. SIGUSR2 starts the program anew with this server's sockets, and lets it take over."),
      "\n",
      HelpParagraph("Exit status: 0 stopped when told to; 1 serving has become impossible, and the log says "
                    "why; 2 it could not start."));
  absl::PrintF("%s", text);
}

// A flag that another model has, and this one has not, would do nothing. An error is better than a comparison of two
// models that the flag did not reach. A flag that is given with its default value counts as given, since its user
// expects an effect.
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

// The reader of a book may know the design by another name.
absl::Status UnknownModel() {
  const OtherName* const other = FindOtherName(FLAGS_model);
  if (other == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no model '", FLAGS_model, "'; see --model=help"));
  }
  const absl::string_view here = other->fit == Fit::kSame ? "here that is " : "there is none here; the nearest is ";
  return absl::InvalidArgumentError(
      absl::StrCat("--model=", FLAGS_model, " (", other->where, "): ", here, other->flags));
}

absl::StatusOr<const Model*> ModelFromFlags() {
  const Model* model = FindModel(FLAGS_model);
  if (model == nullptr) return UnknownModel();
  if (absl::Status status = CheckModelFlags(*model); !status.ok()) return status;
  return model;
}

// If http listens on loopback alone, it answers for no other names by default: a foreign page must not reach it by a
// name of its own that resolves to 127.0.0.1 (DNS rebinding; see protocol/http/host.h). A server that others can reach
// has a name that only its operator knows.
absl::StatusOr<HttpAllowedHosts> MakeAllowedHosts(const std::vector<ListenSpec>& listen) {
  const bool is_reachable = std::any_of(listen.begin(), listen.end(), [](const ListenSpec& spec) {
    return absl::string_view(spec.service->name) == "http" && !spec.is_loopback;
  });
  // Two empty values that mean opposite things: HttpAllowedHosts() allows any host, and Parse("") below allows none but
  // addresses, localhost and names without a dot.
  if (FLAGS_allowed_hosts.empty() && is_reachable) return HttpAllowedHosts();
  absl::StatusOr<HttpAllowedHosts> hosts = HttpAllowedHosts::Parse(FLAGS_allowed_hosts);
  if (!hosts.ok()) return absl::InvalidArgumentError(absl::StrCat("--allowed_hosts: ", hosts.status().message()));
  return hosts;
}

constexpr int kMaxAuthFailures = 1'000'000;
constexpr int kMaxRatePerAddress = 1'000'000;
constexpr int kMaxRequestsPerConnection = 1'000'000'000;

// The bounds of one address, and those of one connection of http.
absl::Status ReadBounds(ServerConfig& config) {
  absl::Status status =
      CheckFlagRange("max_connections_per_address", FLAGS_max_connections_per_address, 0, AddressPlaces::kMaxOfAddress);
  status.Update(CheckFlagRange("rate_per_address", FLAGS_rate_per_address, 0, kMaxRatePerAddress));
  status.Update(
      CheckFlagRange("max_requests_per_connection", FLAGS_max_requests_per_connection, 0, kMaxRequestsPerConnection));
  status.Update(Take(ParseTimeoutFlag("keep_alive_timeout", FLAGS_keep_alive_timeout,
                                      "--max_requests_per_connection=1 closes after each reply"),
                     config.http.keep_alive_timeout));
  config.address_limits = {.connections = FLAGS_max_connections_per_address,
                           .requests_per_second = FLAGS_rate_per_address};
  config.http.max_requests_per_connection = FLAGS_max_requests_per_connection;
  return status;
}

absl::Status ReadAccessFlags(ServerConfig& config) {
  absl::Status status = CheckFlagRange("auth_failures", FLAGS_auth_failures, 0, kMaxAuthFailures);
  if (!status.ok()) return status;
  if (FLAGS_auth_file.empty() && IsFlagSet("auth_failures")) {
    return absl::InvalidArgumentError("--auth_failures goes with --auth_file=FILE; leave it out, or name the file");
  }
  config.access = {.path = FLAGS_auth_file, .failures_per_minute = FLAGS_auth_failures};
  AddressOptions addresses;
  status = Take(AddressOptionsFromFlags(), addresses);
  config.http.admin_from = std::move(addresses.admin_from);
  config.balancers = std::move(addresses.balancers);
  return status;
}

// A flag that allows nothing is refused: its user expects uploads to work.
absl::StatusOr<TftpWrites> MakeTftpWrites() {
  if (FLAGS_tftp_overwrite && !FLAGS_tftp_writes) {
    return absl::InvalidArgumentError("--tftp_overwrite goes with --tftp_writes; give both, or leave it out");
  }
  if (FLAGS_tftp_writes && !FLAGS_upstream.empty()) {
    return absl::InvalidArgumentError("--upstream takes no uploads, nor by TFTP; leave --tftp_writes out");
  }
  if (FLAGS_tftp_writes && FLAGS_read_only) {
    return absl::InvalidArgumentError("--read_only takes no uploads, nor by TFTP; leave --tftp_writes out");
  }
  if (!FLAGS_tftp_writes) return TftpWrites::kNone;
  return FLAGS_tftp_overwrite ? TftpWrites::kAll : TftpWrites::kNew;
}

absl::Status ReadServiceFlags(ServerConfig& config) {
  absl::Status status = ReadAccessFlags(config);
  status.Update(ReadBounds(config));
  status.Update(CheckFlagRange("library_quota", FLAGS_library_quota, 0, INT64_MAX));
  if (!status.ok()) return status;
  config.root = FLAGS_root;
  config.library = {.read_only = FLAGS_read_only, .max_file_bytes = FLAGS_max_file_bytes};
  config.library_quota = FLAGS_library_quota;
  status.Update(Take(UpstreamOptionsFromFlags(FLAGS_max_file_bytes), config.upstream));
  config.library.has_copies = config.upstream.origin != nullptr;
  // What a client stored here would hide the other server's file, and that server would never hear of it.
  config.library.read_only = config.library.read_only || config.library.has_copies;
  if (FLAGS_durability != "none" && FLAGS_durability != "fsync") {
    return absl::InvalidArgumentError(absl::StrCat("--durability=", FLAGS_durability, " is not one of none, fsync"));
  }
  if (FLAGS_durability == "fsync") config.library.durability = Durability::kFsync;
  status.Update(Take(MakeAllowedHosts(config.listen), config.http.allowed_hosts));
  // If clients may upload, a page under --root may be anyone's; its scripts must not act for the server's own origin.
  // With --read_only the pages are the operator's own, and as trustworthy as those of any web server.
  config.http.sandboxes_pages = !FLAGS_read_only && !FLAGS_trusted_pages;
  config.http.precompressed = FLAGS_precompressed;
  status.Update(Take(RelayTargetsFromFlags(), config.http.relay));
  status.Update(Take(TlsFilesFromFlags(config.has_tls()), config.tls));
  config.access_log = FLAGS_access_log;
  status.Update(Take(MakeTftpWrites(), config.tftp_writes));
  status.Update(Take(RoomOptionsFromFlags(config.Any(&Service::has_room)), config.room));
  status.Update(Take(ParseTimeoutFlag("request_timeout", FLAGS_request_timeout, "'inf' is for never"),
                     config.http.request_timeout));
  return status;
}

}  // namespace

bool ServerConfig::Any(bool Service::*trait) const {
  return std::any_of(listen.begin(), listen.end(), [trait](const ListenSpec& spec) { return spec.service->*trait; });
}

bool ServerConfig::has_tls() const {
  return std::any_of(listen.begin(), listen.end(), [](const ListenSpec& spec) { return spec.has_tls; });
}

absl::Status ParseServerFlags(int argc, char** argv) {
  const absl::StatusOr<std::vector<std::string>> others = ParseCommandLine(argc, argv);
  if (!others.ok()) return others.status();
  // --help is answered whatever the other arguments are. A user who asks for help has often just got the rest of the
  // line wrong.
  if (others->empty() || FLAGS_help || FLAGS_version || FLAGS_build_info || FLAGS_model == "help") {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("'", others->front(), "' is not a flag; see --help"));
}

// None of the answers needs valid flags, so they come before ConfigFromFlags(), which would refuse "help" as the name
// of a model.
bool AnswerQuestions() {
  if (FLAGS_help) return PrintHelp(), true;
  if (FLAGS_version) return absl::PrintF("%s", DescribeVersion()), true;
  if (FLAGS_build_info) return absl::PrintF("%s", DescribeBuild()), true;
  if (FLAGS_model == "help") return absl::PrintF("%s\n%s", DescribeModels(), DescribeOtherNames()), true;
  return false;
}

// The model first: if it does not exist, an error in one of its flags would lead the user astray.
absl::StatusOr<ServerConfig> ConfigFromFlags() {
  ServerConfig config;
  config.only_checks = FLAGS_check;
  absl::Status status = Take(ModelFromFlags(), config.model);
  if (!status.ok()) return status;
  // An image inherits its one connection and binds nothing. It is started for a client that waits, so it must not spend
  // seconds in a resolver.
  status = Take(ParseListenSpecs(FLAGS_listen, Process::IsImage() ? HostLookup::kNo : HostLookup::kYes), config.listen);
  ProcessOptions process;
  status.Update(Take(ProcessOptionsFromFlags(), process));
  config.privileges = process.privileges;
  config.has_sandbox = process.has_sandbox;
  if (status.ok()) status = Take(HostOptionsFromFlags(config.listen, config.has_sandbox), config.programs);
  status.Update(Take(ConnectionTermsFromFlags(*config.model), config.connections));
  status.Update(Take(StopScheduleFromFlags(), config.stop));
  config.programs.drain_timeout = config.stop.drain_timeout;
  // After `listen` is set: which hosts http answers for by default depends on the addresses.
  if (status.ok()) status = ReadServiceFlags(config);
  if (!status.ok()) return status;
  return config;
}

}  // namespace polyserve
