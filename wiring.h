// Server: builds what a configuration asks for: the backend of the model, the services with the objects that they
// share, and the listeners that connect the two. The only place that knows both models and services.
//
//   config ─▶ Create() ─▶ Open() ─▶ Serve()         the server, and a program that inetd has started (--inetd)
//   config ─▶ Create() ────────────▶ Serve()         a program image started afresh for one connection (see Process)
//
// In the main thread, from main() to its end. The backend decides which other threads and processes there are.
#ifndef POLYSERVE_WIRING_H_
#define POLYSERVE_WIRING_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "base/line_output.h"
#include "base/mutex.h"
#include "exec_programs.h"
#include "file_fetching.h"
#include "files/library.h"
#include "files/log_file.h"
#include "lifecycle/inherited_listeners.h"
#include "lifecycle/privileges.h"
#include "lifecycle/sandbox.h"
#include "lifecycle/service_manager.h"
#include "lifecycle/upgrade.h"
#include "net/signal_thread.h"
#include "net/standard_socket.h"
#include "net/statistics.h"
#include "protocol/proxy/session.h"
#include "protocol/tls/server.h"
#include "report.h"
#include "room_host.h"
#include "server_config.h"

namespace polyserve {

class Server {
 public:
  // Opens the library and the log, and creates the room, but no socket, process or thread yet. Errors are for the user,
  // such as flags of the model that make no sense, or a directory that does not exist.
  // `given` is what --inetd got, if anything: a connection, which then is all that is served, or the socket of the only
  // listener.
  static absl::StatusOr<std::unique_ptr<Server>> Create(ServerConfig config, StandardSocket given = {});
  ~Server();

  // Binds the listeners, acquires everything else that serving needs, and announces on standard output that the server
  // is ready. May wait for short-lived child processes. Errors are for the user, such as a port that is in use; destroy
  // the server then. Not called in a program image, which inherits the connection that it serves.
  absl::Status Open();

  // Blocks and serves until the server is told to stop; see Backend::Serve(). Logs the error that has ended it, and
  // returns it. In a forked child it does not return.
  absl::Status Serve();

 private:
  // Create() fills the rest, part by part.
  Server(ServerConfig config, StandardSocket given, const Statistics& statistics)
      : config_(std::move(config)), given_(std::move(given)), statistics_(statistics) {}

  // There is one client, which has come already, and no other process that serves.
  bool is_alone() const;

  // --- Parts of Create(). ---
  absl::Status EnterRoot();
  absl::Status PlanSandbox();
  absl::Status MakeRoom();
  absl::Status MakePrograms();
  absl::Status OpenLibrary();
  absl::Status OpenAccess();
  void MakeAddressLimits();
  absl::Status OpenAccessLog();
  absl::Status CheckThatLogCanBeMade() const;
  absl::Status ReadCertificates();
  std::shared_ptr<const AddressLimits> ConnectionsPerAddress() const;  // Null: any number.
  std::shared_ptr<const ProxyTerms> MakeProxyTerms() const;            // Null: there are no load balancers.
  // What the backend gets: limits, statistics, and for each address a listener without its socket.
  absl::Status MakeContext();

  // --- Parts of Open(). ---
  absl::Status OpenForOneClient();
  // All addresses of --listen, with sockets of their own or inherited ones.
  absl::Status Bind(InheritedListeners& inherited);
  // The helper processes, which do without what was inherited for clients; null: nothing was.
  absl::Status OpenRoom(bool has_operator, InheritedListeners* inherited);
  absl::Status OpenPrograms(InheritedListeners& inherited);
  absl::Status OpenFetching(InheritedListeners& inherited);
  absl::StatusOr<std::vector<InheritedListeners::Socket>> SocketsOf(const ListenSpec& spec,
                                                                    InheritedListeners& inherited) const;
  absl::Status TuneListeners() const;
  absl::Status SayReady(const LineOutput& standard_output, InheritedListeners& inherited) const;
  // For a model that serves one client at a time, and does not look at signals meanwhile.
  absl::Status StartSignalThread();

  // On SIGHUP: opens the access log and the root anew, and reads --auth_file and the certificates. An error is logged,
  // and the old one stays. In the main thread, or the signal thread.
  void Reload() const;
  void ReadAnew() const;
  // What signals mean for the service manager and for an upgrade, under every model; in the same thread.
  void OnSignals(unsigned events);
  const char* WhyNoUpgrade() const;  // Null: there may be one.
  void OnStop();
  Upgrade::Inheritance MakeInheritance() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(answering_);

  ServerConfig config_;
  StandardSocket given_;  // Until it is served, or becomes a listener.
  const Statistics statistics_;
  Privileges privileges_;
  Sandbox sandbox_;
  std::shared_ptr<const Library> library_;
  std::shared_ptr<Access> access_;  // Null if everyone may do everything.
  // Null if each address may have as much as it likes.
  std::shared_ptr<const AddressLimits> address_limits_;
  std::shared_ptr<LogFile> access_log_;  // Null if there is none.
  std::shared_ptr<TlsServer> tls_;       // Null if no listener has TLS.
  std::unique_ptr<RoomHost> room_host_;
  std::unique_ptr<ExecPrograms> programs_;  // Null if there are none.
  std::unique_ptr<FileFetching> fetching_;  // Null if there is no --upstream.
  std::unique_ptr<ServerContext> context_;
  // Signals may be answered by two threads, of which one is the SignalThread.
  mutable Mutex answering_;
  ServiceManager manager_ ABSL_GUARDED_BY(answering_);  // Silent in a program image.
  Upgrade upgrade_ ABSL_GUARDED_BY(answering_);
  bool is_told_to_stop_ ABSL_GUARDED_BY(answering_) = false;
  std::shared_ptr<ReportSources> report_sources_;  // Without listeners in a program image, which has none.
  // Null if the model answers all signals itself.
  std::unique_ptr<SignalThread> signal_thread_;
  // Last, so that it is destroyed first: if serving has failed, it may hold sessions, which need the others.
  std::unique_ptr<Backend> backend_;
};

}  // namespace polyserve

#endif  // POLYSERVE_WIRING_H_
