#include "wiring.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "announce.h"
#include "backends/accept/connection_limit.h"
#include "backends/client_processes.h"
#include "backends/pool/pool_options.h"
#include "backends/registry.h"
#include "base/descriptor_limit.h"
#include "base/line_output.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/take.h"
#include "base/unique_fd.h"
#include "drain_log.h"
#include "files/quota.h"
#include "files/root.h"
#include "make_listener.h"
#include "net/connection_table.h"
#include "net/datagram.h"
#include "net/endpoint.h"
#include "net/handover.h"
#include "net/process.h"
#include "net/request_times.h"
#include "net/signals.h"
#include "net/socket.h"
#include "protocol/tls/ticket_keys.h"
#include "relay_flags.h"
#include "sandbox_options.h"
#include "services.h"
#include "shared_tables.h"
#include "upstream_flags.h"

namespace polyserve {

namespace {

// Null if there may be any number of connections. A program image has one connection, which the server has counted.
absl::StatusOr<std::unique_ptr<ConnectionLimit>> MakeConnectionLimit(const ServerConfig& config,
                                                                     const Statistics& statistics) {
  if (config.connections.most == 0 || Process::IsImage()) return nullptr;
  return ConnectionLimit::Create(statistics, config.connections.most, config.connections.beyond);
}

// As in --listen, and so in LISTEN_FDNAMES.
std::string SpelledService(absl::string_view service, bool has_tls, bool has_datagrams) {
  return absl::StrCat(service, has_tls ? "+tls" : "", has_datagrams ? "+udp" : "");
}

// Whether the file is in the directory, or in one beneath it, by the paths that they really have. A file that is not
// there is for its reader to report.
bool LiesBeneath(const std::string& file, const std::string& directory) {
  std::error_code error;
  const std::filesystem::path real_file = std::filesystem::canonical(file, error);
  const std::filesystem::path real_directory = std::filesystem::canonical(directory, error);
  const auto ends = std::mismatch(real_directory.begin(), real_directory.end(), real_file.begin(), real_file.end());
  return !error && ends.first == real_directory.end();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(ServerConfig config, StandardSocket given) {
  // First: the model's flags are checked before anything is opened.
  absl::StatusOr<std::unique_ptr<Backend>> backend = config.model->make();
  if (!backend.ok()) return backend.status();
  const absl::StatusOr<Statistics> statistics = Statistics::Create();
  if (!statistics.ok()) return statistics.status();
  // As early as the shared memory exists, and before any fork: lines that any process loses, or leaves out, from here
  // on are counted in one place.
  ShareLog(statistics->server_log(), statistics->log_floods());
  // Not make_unique(), which cannot reach the private constructor.
  std::unique_ptr<Server> server(new Server(std::move(config), std::move(given), *statistics));
  server->backend_ = *std::move(backend);
  // In a program image, too: it ends by the same deadlines as its server.
  Signals::SetStopSchedule(server->config_.stop, &TablesOf(*statistics).stop);
  // The context comes last because the services need the room, the library and the log.
  absl::Status status = server->EnterRoot();
  if (status.ok()) status = server->MakeRoom();
  if (status.ok()) status = server->MakePrograms();
  if (status.ok()) status = server->OpenLibrary();
  if (status.ok()) status = server->OpenAccess();
  if (status.ok()) status = server->OpenAccessLog();
  if (status.ok()) status = server->ReadCertificates();
  if (status.ok()) status = server->PlanSandbox();  // When the log is there, whose kind counts.
  server->MakeAddressLimits();
  if (status.ok()) status = server->MakeContext();
  if (!status.ok()) return status;
  return server;
}

// The tables that hold the state of a stop are this object's.
Server::~Server() { Signals::LeaveStopState(); }

// The order matters. Standard output is replaced before there is a child or a thread that could use it. The descriptor
// limit is raised before descriptors are counted, and handlers are installed before there is a child or a thread; so
// are the files restricted, which holds for all of them. The helper processes are forked before the
// listeners exist, which they would inherit, and before the first thread. The announcement comes last: a script that
// has read it may connect at once.
absl::Status Server::Open() {
  if (is_alone()) return OpenForOneClient();
  const LineOutput standard_output = LineOutput::Own(STDOUT_FILENO);
  const bool has_operator = config_.Any(&Service::has_operator);
  {
    MutexLock lock(answering_);
    manager_ = ServiceManager::FromEnvironment();
  }
  absl::StatusOr<InheritedListeners> inherited =
      given_.fd.ok() ? InheritedListeners::OfInetd(std::move(given_.fd)) : InheritedListeners::FromEnvironment();
  if (!inherited.ok()) return inherited.status();
  RaiseDescriptorLimit();
  absl::Status status = privileges_.BecomeUser();
  if (status.ok()) status = sandbox_.RestrictFiles();
  if (status.ok()) status = Signals::Install();
  if (status.ok()) status = Handover::Prepare();
  if (status.ok() && config_.Any(&Service::has_room)) status = OpenRoom(has_operator, &*inherited);
  if (status.ok() && programs_ != nullptr) status = OpenPrograms(*inherited);
  if (status.ok() && fetching_ != nullptr) status = OpenFetching(*inherited);
  // Prepare() needs the bound listeners, and may fork: so it comes after Bind(), and before the two threads below,
  // since a process that forks must have only one.
  if (status.ok()) status = Bind(*inherited);
  if (status.ok()) status = backend_->Prepare(*context_);
  // Ports below 1024 are bound by now, also those that the model adds.
  if (status.ok()) status = privileges_.GiveUpAll();
  if (status.ok()) status = sandbox_.RestrictCalls();
  if (status.ok() && !config_.model->can.keeps_clients_apart) status = StartSignalThread();
  if (status.ok() && config_.Any(&Service::has_room)) status = room_host_->StartThreads(has_operator);
  if (status.ok()) status = CheckDescriptorsAreLeft(kDescriptorsForClient, "no descriptor is left to serve with");
  if (status.ok()) status = SayReady(standard_output, *inherited);
  return status;
}

// Nothing can fail any more but what an upgrade is about: the server before this one may have ended. It tells the
// service manager as well, which would not listen to this process before that. The options come as late, because they
// hold for the earlier server, too, which goes on if this one fails.
absl::Status Server::SayReady(const LineOutput& standard_output, InheritedListeners& inherited) const {
  absl::Status status;
  if (inherited.any()) status = TuneListeners();
  if (status.ok()) status = Signals::SetNotice(config_.stop.notice);
  // Before the announcement: who has read that may look into the log.
  if (const std::string workers = DescribeAutomaticWorkers(); !workers.empty()) LOG(INFO) << workers;
  if (status.ok()) status = AnnounceReady(*context_, *config_.model, config_.root, standard_output);
  if (!status.ok()) return status;
  MutexLock lock(answering_);
  if (manager_.watchdog() != absl::InfiniteDuration()) Signals::StartTicks(manager_.watchdog());
  if (inherited.replaces_server()) return inherited.TellReady();
  manager_.Ready();
  return absl::OkStatus();
}

absl::Status Server::Serve() {
  // In the server and in its images alike, since both must list the same descriptors. The descriptors are told apart by
  // their place in the list alone.
  if (config_.Any(&Service::has_room)) room_host_->AddInheritedFd(*context_);
  if (programs_ != nullptr) programs_->AddInheritedFd(*context_);
  if (fetching_ != nullptr) fetching_->AddInheritedFd(*context_);
  if (tls_ != nullptr) {
    context_->inherited_fds.push_back({tls_->fd(), [this](UniqueFd shared) { tls_->Adopt(std::move(shared)); }});
  }
  absl::Status status = Process::IsImage() ? sandbox_.RestrictCalls() : absl::OkStatus();
  if (status.ok() && given_.is_connection) status = ServeGivenClient(std::move(given_.fd), *context_);
  if (status.ok() && !given_.is_connection) status = backend_->Serve(*context_);
  if (!status.ok()) LOG(ERROR) << status.message();
  OnStop();
  return status;
}

// A program image has its server's root and user.
absl::Status Server::EnterRoot() {
  if (Process::IsImage()) return absl::OkStatus();
  const absl::Status status = Take(Privileges::Create(config_.privileges), privileges_);
  return status.ok() ? privileges_.EnterRoot() : status;
}

// A program image has begun in the sandbox of its server, which has looked whether there is one.
absl::Status Server::PlanSandbox() {
  sandbox_ = MakeSandbox(config_);
  return Process::IsImage() ? absl::OkStatus() : sandbox_.Check();
}

// A program image uses the root that the server has opened, even if the path leads elsewhere by now.
absl::Status Server::OpenLibrary() {
  absl::StatusOr<std::unique_ptr<Root>> root =
      Process::IsImage() ? Root::OfServer(config_.root) : Root::Open(config_.root);
  if (!root.ok()) return absl::NotFoundError(absl::StrCat("--root: ", root.status().message()));
  // Before there are other processes: all of them follow the one that opens the root anew.
  (*root)->Share(statistics_.root_openings(), statistics_.root_holder());
  if (config_.library_quota > 0) {
    SharedTables& tables = TablesOf(statistics_);
    config_.library.quota =
        std::make_shared<const LibraryQuota>(config_.library_quota, tables.library_bytes, tables.counters);
  }
  absl::StatusOr<std::shared_ptr<const Library>> library = Library::Create(*std::move(root), config_.library);
  if (!library.ok()) return absl::NotFoundError(absl::StrCat("--root: ", library.status().message()));
  library_ = *std::move(library);
  if (config_.library.has_copies) {
    const absl::Status status = Process::IsImage() ? absl::OkStatus() : library_->CheckHasCopies();
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat("--upstream: --root: ", status.message()));
    fetching_ = std::make_unique<FileFetching>(config_.upstream);
  }
  if (!Process::IsImage()) library_->RecountQuota();  // The server has, for all.
  return absl::OkStatus();
}

// Beneath the root, the file would be served to all who may read there. The paths are compared as they are now: what is
// moved later is the operator's responsibility.
absl::Status Server::OpenAccess() {
  if (config_.access.path.empty()) return absl::OkStatus();
  Access::Table& table = TablesOf(statistics_).access;
  if (Process::IsImage()) {
    access_ = Access::OfServer(config_.access, table);
    return absl::OkStatus();
  }
  if (LiesBeneath(config_.access.path, config_.root)) {
    return absl::InvalidArgumentError("--auth_file: the file lies beneath --root, where it would be served; move it");
  }
  absl::StatusOr<std::shared_ptr<Access>> access = Access::Open(config_.access, table);
  if (!access.ok()) return absl::InvalidArgumentError(absl::StrCat("--auth_file: ", access.status().message()));
  access_ = *std::move(access);
  return absl::OkStatus();
}

// A program image takes the table as its server has prepared it.
void Server::MakeAddressLimits() {
  if (!config_.address_limits.any()) return;
  SharedTables& tables = TablesOf(statistics_);
  if (!Process::IsImage()) AddressLimits::Prepare(tables.addresses);
  address_limits_ = std::make_shared<const AddressLimits>(config_.address_limits, tables.addresses, tables.counters);
}

absl::Status Server::OpenAccessLog() {
  if (config_.access_log.empty()) return absl::OkStatus();
  access_log_ = std::make_shared<LogFile>(config_.access_log, statistics_.access_log());
  if (Process::IsImage()) return absl::OkStatus();  // Opens it with the first line.
  if (config_.only_checks && ::access(config_.access_log.c_str(), F_OK) != 0) return CheckThatLogCanBeMade();
  // Opened now, although the first line would open it as well: a path that is wrong should end the start, not fill the
  // server's log later.
  const absl::Status status = access_log_->Open();
  return status.ok() ? status : absl::InvalidArgumentError(absl::StrCat("--access_log: ", status.message()));
}

// --check makes no file: it would belong to the user who checks, and the server might not be allowed to write to it.
absl::Status Server::CheckThatLogCanBeMade() const {
  std::filesystem::path directory = std::filesystem::path(config_.access_log).parent_path();
  if (directory.empty()) directory = ".";
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  const absl::Status status = SysError("access", directory.string());
  return absl::InvalidArgumentError(absl::StrCat("--access_log: ", status.message()));
}

// A program image gets what its server has read.
absl::Status Server::ReadCertificates() {
  if (!config_.has_tls()) return absl::OkStatus();
  TlsServer::Options options{.files = config_.tls,
                             .handshake_timeout = config_.http.request_timeout,
                             .counters = &TablesOf(statistics_).handshakes};
  static_assert(TlsTicketKeys::kSecretBytes == Statistics::kSecretBytes);
  if (Process::IsImage()) {
    tls_ = TlsServer::OfServer(std::move(options), statistics_.certificate_readings(), statistics_.secret());
    return absl::OkStatus();
  }
  absl::StatusOr<std::shared_ptr<TlsServer>> tls =
      TlsServer::Create(std::move(options), statistics_.certificate_readings(), statistics_.secret());
  if (!tls.ok()) return absl::Status(tls.status().code(), absl::StrCat("--tls_cert: ", tls.status().message()));
  tls_ = *std::move(tls);
  return absl::OkStatus();
}

std::shared_ptr<const AddressLimits> Server::ConnectionsPerAddress() const {
  return config_.address_limits.connections > 0 ? address_limits_ : nullptr;
}

std::shared_ptr<const ProxyTerms> Server::MakeProxyTerms() const {
  if (!config_.balancers.has_value()) return nullptr;
  return std::make_shared<const ProxyTerms>(ProxyTerms{.balancers = *config_.balancers,
                                                       .timeout = config_.http.request_timeout,
                                                       .limits = ConnectionsPerAddress(),
                                                       .counters = &TablesOf(statistics_).proxy_headers});
}

// The context and its listeners never move from here on: sessions and acceptors keep pointers to them.
absl::Status Server::MakeContext() {
  HttpSite::Options http = config_.http;
  http.access_log = access_log_;
  http.address_limits = address_limits_;
  http.counters = &TablesOf(statistics_).counters;
  if (fetching_ != nullptr) http.fetcher = fetching_->fetcher();
  // Copies, not `this`: the site is shared with sessions and their tasks, so its closures should need nothing of this
  // object.
  report_sources_ =
      std::make_shared<ReportSources>(ReportSources{statistics_, config_.model, config_.library, access_});
  report_sources_->counters = http.counters;
  report_sources_->handshakes = &TablesOf(statistics_).handshakes;
  report_sources_->request_times = RequestTimes(TablesOf(statistics_).request_times, config_.connections.time_one_in);
  report_sources_->proxy_headers = &TablesOf(statistics_).proxy_headers;
  http.report = [sources = report_sources_] { return MakeServerReport(*sources); };
  // After an upgrade the new server answers at the same addresses, and it is ready.
  http.will_stop = [&stop = TablesOf(statistics_).stop] { return stop.is_announced && !stop.is_replaced; };
  ServiceContext services(library_, http, config_.tftp_writes,
                          config_.Any(&Service::has_room) ? room_host_->room() : nullptr, access_);
  if (programs_ != nullptr) services.programs = programs_->programs();
  absl::StatusOr<std::unique_ptr<ConnectionLimit>> connection_limit = MakeConnectionLimit(config_, statistics_);
  if (!connection_limit.ok()) return connection_limit.status();
  // `reload` may refer to this object, which owns the context. Not by make_unique(), which would have to move it.
  context_.reset(new ServerContext{.listeners = {},  // NOLINT(modernize-make-unique)
                                   .idle_timeout = config_.connections.idle_timeout,
                                   .statistics = statistics_,
                                   .connection_limit = *std::move(connection_limit),
                                   .listen = config_.connections.listen,
                                   .reload = [this] { Reload(); },
                                   .log_drain = [sources = report_sources_] { LogDrain(*sources); },
                                   .least_rate = config_.connections.least_rate,
                                   .on_signals = [this](unsigned events) { OnSignals(events); },
                                   // Whoever answers signals from here on sees that the server stops.
                                   .await_handing_on = [this] { MutexLock lock(answering_); }});
  context_->least_rate.counters = http.counters;
  context_->request_times = report_sources_->request_times;
  // In the order of --listen, on which Bind() relies: listener i belongs to address i.
  const ListenerParts parts{services, statistics_.connections(), tls_, MakeProxyTerms(), ConnectionsPerAddress()};
  for (const ListenSpec& spec : config_.listen) {
    context_->listeners.push_back(MakeListener(spec, parts));
    if (spec.service->runs_programs) ++services.program;  // The next one is for the next listener that runs one.
  }
  return absl::OkStatus();
}

// Of an address that several sockets share (SO_REUSEPORT), each further one becomes a listener behind the first. No
// model has a pointer to any of them yet, so they may move once more.
absl::Status Server::Bind(InheritedListeners& inherited) {
  std::vector<Listener> bound;
  for (size_t i = 0; i < config_.listen.size(); ++i) {
    absl::StatusOr<std::vector<InheritedListeners::Socket>> sockets = SocketsOf(config_.listen[i], inherited);
    if (!sockets.ok()) return sockets.status();
    for (InheritedListeners::Socket& socket : *sockets) {
      bound.push_back(context_->listeners[i].CopyWith(std::move(socket.fd)));
      bound.back().is_managers = socket.is_managers;
      bound.back().is_sibling = &socket != &sockets->front();
    }
  }
  context_->listeners = std::move(bound);
  for (const Listener& listener : context_->listeners) {
    // Before there is any other thread or process, which all read it.
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (at.ok() && !listener.is_sibling) {
      report_sources_->listeners.push_back({listener.service, listener.has_datagrams(), at->ToString()});
    }
    if (at.ok() && !listener.has_datagrams()) {
      absl::Status status = CheckNoTargetIs(*at, *config_.http.relay);
      status.Update(CheckUpstreamIsNot(*at, config_.upstream));
      if (!status.ok()) return status;
    }
    // Two such services would answer each other for ever (net/udp_sources.h). Those that answer from a port of their
    // own speak a protocol that ends.
    if (!listener.has_datagrams() || listener.own_ports) continue;
    const absl::Status status = NeverAnswerAnswers(listener.fd.get());
    if (!status.ok()) LOG(WARNING) << "cannot tell other servers' answers from requests: " << status.message();
  }
  return inherited.CheckAllAreTaken();
}

// Those that were there before this server, or a new one. An error names the address, so that the user sees which one
// of --listen is in use.
absl::StatusOr<std::vector<InheritedListeners::Socket>> Server::SocketsOf(const ListenSpec& spec,
                                                                          InheritedListeners& inherited) const {
  const bool has_datagrams = spec.transport == Transport::kDatagrams;
  const std::string name = SpelledService(spec.service->name, spec.has_tls, has_datagrams);
  std::vector<InheritedListeners::Socket> sockets = inherited.Take(name, has_datagrams, spec.endpoint);
  if (!sockets.empty()) return sockets;
  absl::StatusOr<UniqueFd> fd =
      has_datagrams ? BindUdp(spec.endpoint) : ListenTcp(spec.endpoint, context_->idle_timeout, context_->listen);
  if (!fd.ok()) {
    return absl::Status(fd.status().code(),
                        absl::StrCat("--listen: ", fd.status().message(), "; choose another address"));
  }
  sockets.push_back({*std::move(fd)});
  return sockets;
}

// Sockets that another program has bound have the options that it has chosen; for new ones nothing changes.
absl::Status Server::TuneListeners() const {
  absl::Status status;
  for (const Listener& listener : context_->listeners) {
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (!at.ok()) return at.status();
    status.Update(listener.has_datagrams() ? TuneUdp(listener.fd.get(), *at)
                                           : TuneListener(listener.fd.get(), context_->idle_timeout, context_->listen));
  }
  return status;
}

// For a model that serves one client for as long as that stays, and does not look at signals meanwhile. It never forks,
// so it may have a thread more.
absl::Status Server::StartSignalThread() {
  return Take(SignalThread::Start([this](unsigned event) { AnswerCommonSignals(event, *context_); }), signal_thread_);
}

// The library stays the same object: sessions under way keep it, and open their next file under the new root. If the
// new directory cannot be opened, serving the old one is better than serving nothing: logrotate(8) and the like send
// SIGHUP for the log alone.
void Server::Reload() const {
  MutexLock lock(answering_);
  manager_.Reloading();
  ReadAnew();
  manager_.Ready();
}

void Server::ReadAnew() const {
  if (access_log_ != nullptr) access_log_->Reopen();
  if (access_ != nullptr) {
    const absl::Status status = access_->Reload();
    if (!status.ok()) LOG(WARNING) << "--auth_file: still using the previous version: " << status.message();
  }
  const absl::Status status = library_->ReopenRoot();
  if (!status.ok()) LOG(WARNING) << "--root: still serving the previous directory: " << status.message();
  library_->RecountQuota();
  if (tls_ == nullptr) return;
  const absl::Status read = tls_->Reload();
  if (!read.ok()) LOG(WARNING) << "--tls_cert: still using the previous certificates: " << read.message();
}

// All listeners, also those that the model has added: a socket that closes resets the clients in its queue.
Upgrade::Inheritance Server::MakeInheritance() const {
  Upgrade::Inheritance inheritance{{}, manager_.environment()};
  const auto add = [&inheritance](const Listener& listener) {
    inheritance.listeners.push_back({listener.fd.get(),
                                     SpelledService(listener.service, listener.has_tls, listener.has_datagrams()),
                                     listener.is_managers});
  };
  for (const Listener& listener : context_->listeners) add(listener);
  for (const Listener& listener : context_->siblings) add(listener);
  return inheritance;
}

// A new server would begin in the sandbox of this one, with its files and without sockets of its own.
const char* Server::WhyNoUpgrade() const {
  if (Signals::will_stop()) return "this server stops";
  if (privileges_.has_chroot()) return "--chroot hides the program";
  if (config_.is_inetd) return "the program that has started this one (--inetd) starts the next one";
  return sandbox_.is_on() ? "--sandbox=on lets no new server start; restart this one" : nullptr;
}

// When the new server is ready, this one stops as it does when it is told to; only the listeners are not its own any
// more (net/handover.h). The signal, rather than a call, because models find out about a stop in the ways that it
// takes.
void Server::OnSignals(unsigned events) {
  if (Signals::will_stop()) OnStop();
  MutexLock lock(answering_);
  if ((events & Signals::kTick) != 0) manager_.IsAlive();
  if ((events & Signals::kUpgrade) == 0) return;
  if (const char* const why = WhyNoUpgrade(); why != nullptr) {
    LOG(WARNING) << "SIGUSR2: no upgrade: " << why;
    return;
  }
  const auto make_inheritance = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(answering_) { return MakeInheritance(); };
  const std::optional<pid_t> successor = upgrade_.OnSignal(make_inheritance);
  if (!successor.has_value()) return;
  LOG(INFO) << "the upgrade is done: pid " << *successor << " serves from now on; this server finishes what it has";
  manager_.HandOver(*successor);
  Handover::Announce();
  Signals::DropNotice();
  ::kill(::getpid(), SIGTERM);
}

// Some models begin a stop before they answer the signal; the next tick gets here then, or the end of the stop.
void Server::OnStop() {
  MutexLock lock(answering_);
  if (programs_ != nullptr && Signals::stopping()) programs_->TellStop();  // Not before the notice is over.
  if (!std::exchange(is_told_to_stop_, true) && Signals::will_stop() && !Signals::stopping()) {
    LOG(INFO) << "told to stop: serves all clients until the notice (--stop_notice) is over, or another signal comes";
  }
  upgrade_.Abandon();
  manager_.Stopping();
}

}  // namespace polyserve
