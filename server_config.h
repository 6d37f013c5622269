// ServerConfig: the command line as checked values. Only server_config.cc knows the flags; those of single models (see
// AllModels()) are defined and read by the models.
//
//   main() ──▶ ParseServerFlags() ──▶ AnswerQuestions(), or ConfigFromFlags() ──▶ Server::Create()
#ifndef POLYSERVE_SERVER_CONFIG_H_
#define POLYSERVE_SERVER_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/registry.h"
#include "files/library.h"
#include "listen_spec.h"
#include "net/progress_watch.h"
#include "net/socket.h"
#include "protocol/http/site.h"
#include "room/room.h"
#include "services.h"

namespace polyserve {

// Plain data: it opens nothing. The same command line gives the same configuration in the server and in a program image
// that it starts, except for the addresses (see HostLookup).
struct ServerConfig {
  const Model* model;  // A row of the registry; never null.
  std::vector<ListenSpec> listen;

  // Connections. The durations may be infinite.
  absl::Duration idle_timeout;   // How long a peer may be silent.
  absl::Duration drain_timeout;  // When the server stops: how long requests under way may take,
  absl::Duration stop_grace;     // and how long connections without a request may stay.
  LeastRate least_rate;          // The minimum rate required of peers.
  ListenOptions listen_options;
  int64_t max_connections;             // 0: no limit.
  ConnectionLimit::Overload overload;  // What to do with connections above it: let them wait, or refuse them.

  // Files.
  std::string root;  // A directory.
  Library::Options library;

  // http.
  HttpSite::Options http;  // Without the access log and the report, which Server adds.
  std::string access_log;  // A path; empty: no log.

  // chat.
  std::string admin_name;  // The operator's.
  RoomLimits room_limits;

  // True if any service of `listen` has the trait, for example &Service::has_room.
  bool Any(bool Service::*trait) const;
};

// Parses the command line into the flags. Returns InvalidArgument, with a text for the user, if a flag is unknown or
// malformed, or if an argument is not a flag. Call once, before the other functions.
absl::Status ParseServerFlags(int argc, char** argv);

// Answers --help, --version, --build_info and --model=help on standard output. Returns false if none of them was given.
bool AnswerQuestions();

// Checks the flags, alone and together, and converts them. Returns InvalidArgument, with one line for the user, if they
// make no sense. May block to resolve host names.
absl::StatusOr<ServerConfig> ConfigFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_SERVER_CONFIG_H_
