// ServerConfig: the command line as checked values. Only server_config.cc and the files of flags beside it (*_flags.cc,
// *_options.cc) know the flags; those of single models (see AllModels()) are defined and read by the models.
//
//   main() ──▶ ParseServerFlags() ──▶ AnswerQuestions(), or ConfigFromFlags() ──▶ Server::Create()
//
// All of it belongs to the main thread, before there are others.
#ifndef POLYSERVE_SERVER_CONFIG_H_
#define POLYSERVE_SERVER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "access/address_set.h"
#include "backends/registry.h"
#include "connection_flags.h"
#include "exec_flags.h"
#include "files/library.h"
#include "lifecycle/privileges.h"
#include "listen_spec.h"
#include "net/signals.h"
#include "protocol/http/site.h"
#include "protocol/tftp/session.h"
#include "protocol/tls/context.h"
#include "room_flags.h"
#include "services.h"
#include "upstream_flags.h"

namespace polyserve {

// Plain data: it opens nothing. The same command line gives the same configuration in the server and in a program image
// that it starts, except for the addresses (see HostLookup).
struct ServerConfig {
  const Model* model;  // A row of the registry; never null.
  std::vector<ListenSpec> listen;
  // --inetd: standard input is what is served; `listen` has one address, which nothing binds.
  bool is_inetd = false;
  // --check: the server is created to see whether it could serve, and leaves no file behind.
  bool only_checks = false;

  Privileges::Options privileges;  // Privileges::Create() checks them.
  bool has_sandbox = false;        // What remains in it, MakeSandbox() decides.
  std::string trace = {};          // The path of the trace file; empty: none. The program sets it.

  // --- Connections. ---

  ConnectionTerms connections;
  StopSchedule stop;
  // What one address may have of all of them; by default any number.
  AddressLimits::Options address_limits;
  // The load balancers, which say for whom they speak; see protocol/proxy/session.h. By default none.
  std::optional<AddressSet> balancers;

  // --- Files. ---

  std::string root;          // The path of a directory. Server::Create() looks whether it exists.
  Library::Options library;  // Without the quota, which Server makes.
  int64_t library_quota;     // In bytes, of all files together; 0: no limit.
  // Where files come from that are not there; by default from nowhere. If there is such a server, the library has
  // copies, and is read-only: it is the other server's.
  UpstreamOptions upstream;

  // --- Who may do what. ---

  // Without a path: everyone may do everything.
  Access::Options access;

  // --- http. ---

  // Without the access log and the report, which Server adds. `relay`, never null, is for the service of this name,
  // too.
  HttpSite::Options http;
  std::string access_log;  // A path; empty: no log.

  // --- tftp. ---

  TftpWrites tftp_writes;

  // --- TLS. ---

  TlsFiles tls;  // No certificates unless a service of `listen` has TLS.

  // --- exec. ---

  HostOptions
      programs;  // None unless a service of `listen` runs them. ExecPrograms::Create() looks whether they exist.

  // --- chat. ---

  RoomOptions room;

  // True if any service of `listen` has the trait, for example &Service::has_room.
  bool Any(bool Service::*trait) const;
  // True if any address of `listen` has TLS.
  bool has_tls() const;
};

// Parses the command line into the flags. Returns InvalidArgument, with a text for the user, if a flag is unknown or
// malformed, or if an argument is not a flag. Call it once, before the other functions.
absl::Status ParseServerFlags(int argc, char** argv);

// Answers --help, --version, --build_info or --model=help on standard output. Returns false if none of them was given.
bool AnswerQuestions();

// Checks the flags, alone and together, and converts them. Returns InvalidArgument, with one line for the user, if they
// make no sense. May block to resolve host names. The flags of the model itself are checked by Model::make.
absl::StatusOr<ServerConfig> ConfigFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_SERVER_CONFIG_H_
