// The services by name: the one table for --listen, its defaults, the help and the tests. A service is a Session. It
// knows no model, and no model knows it. docs/adding.md tells how to add one.
//
//   --listen=NAME://... ──▶ FindService(NAME) ──▶ Service::make_session(context) for each connection or peer
#ifndef POLYSERVE_SERVICES_H_
#define POLYSERVE_SERVICES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "files/library.h"
#include "protocol/http/site.h"
#include "protocol/session.h"
#include "room/room.h"

namespace polyserve {

// The objects that sessions share, for the whole life of the server. Safe for use from several threads.
struct ServiceContext {
  ServiceContext(std::shared_ptr<const Library> library, HttpSite::Options http_options, std::shared_ptr<Room> room);

  std::shared_ptr<const Library> library;
  std::shared_ptr<Room> room;  // Null if no service of --listen has a room.
  std::shared_ptr<const HttpSite> http_site;
};

// The transports over which a service is offered.
enum class Transports {
  kStream,    // TCP.
  kBoth,      // TCP, and UDP as NAME+udp.
  kOwnPorts,  // UDP only, with a port of its own for each peer, as TFTP requires (RFC 1350, section 4).
};

// A row of the table.
struct Service {
  const char* name;         // In --listen, the log and the statistics: letters, digits and hyphens.
  const char* description;  // For --help: one line.
  uint16_t default_port;    // On 127.0.0.1, if --listen is empty. Unique for each transport.
  Transports transports;
  // Creates the session of a new peer. Called from any thread; must not block.
  std::unique_ptr<Session> (*make_session)(const ServiceContext& context);
  // The same for a peer that sends datagrams; null if make_session serves both.
  std::unique_ptr<Session> (*make_datagram_session)(const ServiceContext& context) = nullptr;
  bool has_room = false;      // Its clients share a chat room.
  bool has_operator = false;  // The operator, at the server's standard input, speaks in that room.

  // What --listen accepts: NAME:// and NAME+udp://.
  bool has_stream() const { return transports != Transports::kOwnPorts; }
  bool has_datagrams() const { return transports != Transports::kStream; }
  bool has_own_ports() const { return transports == Transports::kOwnPorts; }
};

// The table. Static storage.
absl::Span<const Service> AllServices();

// The index of a row in the table, by which the statistics know it.
int NumberOf(const Service& service);

// Null if there is no service of this name.
const Service* FindService(absl::string_view name);

// "http, file, echo, echo+udp, ...": the services that --listen accepts, for errors and help.
std::string ServiceNames();

}  // namespace polyserve

#endif  // POLYSERVE_SERVICES_H_
