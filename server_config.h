// ServerConfig: what the command line asks for, checked, as values. The flags themselves are known to server_config.cc
// alone, but for those of single models (AllModels() names them), which the models read.
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

struct ServerConfig {
  const Model* model;  // Never null.
  std::vector<ListenSpec> listen;

  // Connections.
  absl::Duration idle_timeout;   // May be infinite.
  absl::Duration drain_timeout;  // May be infinite.
  absl::Duration stop_grace;     // May be infinite.
  LeastRate least_rate;          // That is asked of peers.
  ListenOptions listen_options;
  int64_t max_connections;  // 0: any number.
  ConnectionLimit::Overload overload;

  // Files.
  std::string root;
  Library::Options library;

  // http.
  HttpSite::Options http;  // Without the access log and the report, which are not there yet.
  std::string access_log;  // A path; empty: none.

  // chat.
  std::string admin_name;
  RoomLimits room_limits;

  // True if any service that is listened for has the trait, for example &Service::has_room.
  bool Any(bool Service::*trait) const;
};

// Reads the command line into the flags. InvalidArgument: a flag is unknown or malformed, or something is no flag.
absl::Status ParseServerFlags(int argc, char** argv);

// Answers --help, --version, --build_info and --model=help on standard output. False: none of them was given.
bool AnswerQuestions();

// What the flags say. InvalidArgument, in one line for the user: they make no sense, alone or together.
absl::StatusOr<ServerConfig> ConfigFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_SERVER_CONFIG_H_
