// Server: puts together what a configuration asks for: the model's backend, the services with what they share, and the
// listeners between the two. The only place that knows both models and services.
//
//   config ─▶ Create() ─▶ Open() ─▶ Serve()         the server
//   config ─▶ Create() ────────────▶ Serve()         a program image started afresh for one connection (see Process)
#ifndef POLYSERVE_WIRING_H_
#define POLYSERVE_WIRING_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "files/library.h"
#include "files/log_file.h"
#include "net/signal_thread.h"
#include "net/statistics.h"
#include "room_host.h"
#include "server_config.h"

namespace polyserve {

class Server {
 public:
  // Opens the files and makes the room, but no socket yet. Errors are for the user: the configuration asks for what
  // this system does not have.
  static absl::StatusOr<std::unique_ptr<Server>> Create(ServerConfig config);
  ~Server();

  // Binds the listeners, gets all that serving needs, and says on standard output that the server is ready. Not in a
  // program image, which serves what it is handed.
  absl::Status Open();

  // Serves until the server is told to stop; see Backend::Serve(). Logs what goes wrong.
  absl::Status Serve();

 private:
  Server(ServerConfig config, const Statistics& statistics) : config_(std::move(config)), statistics_(statistics) {}

  absl::Status OpenLibrary();
  absl::Status OpenAccessLog();
  absl::Status MakeRoom();
  absl::Status MakeContext();
  absl::Status Bind();
  absl::Status StartSignalThread();
  void Reload() const;

  ServerConfig config_;
  const Statistics statistics_;
  std::shared_ptr<const Library> library_;
  std::shared_ptr<LogFile> access_log_;  // Null if there is none.
  std::unique_ptr<RoomHost> room_host_;
  std::unique_ptr<ServerContext> context_;
  std::unique_ptr<SignalThread> signal_thread_;  // Null if the model answers all signals itself.
  std::unique_ptr<Backend> backend_;  // Last: if serving has failed, it may hold sessions, which need the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_WIRING_H_
