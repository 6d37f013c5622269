// The services by name: the one table for --listen, its defaults, the help and the tests. A service is a Session. It
// knows no model, and no model knows it. docs/adding.md tells how to add one.
//
//   --listen=NAME://... ──▶ FindService(NAME) ──▶ Service::make_session(context) for each connection or peer
//
// The table is constant: any thread may read it.
#ifndef POLYSERVE_SERVICES_H_
#define POLYSERVE_SERVICES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "files/library.h"
#include "programs/program.h"
#include "protocol/file_fetch.h"
#include "protocol/http/site.h"
#include "protocol/relay_targets.h"
#include "protocol/session.h"
#include "protocol/tftp/session.h"
#include "room/room.h"

namespace polyserve {

// What the sessions of all services share, for the whole life of the server. Each listener has a copy, and so a
// reference to each object. The objects are safe for use from several threads.
struct ServiceContext {
  // `library` must not be null. With a room, http gets a chat as well (HttpSite::Options::chat). Reads the system's
  // list of media types.
  ServiceContext(std::shared_ptr<const Library> library, HttpSite::Options http_options, TftpWrites tftp_writes,
                 std::shared_ptr<Room> room, std::shared_ptr<const Access> access);

  std::shared_ptr<const Library> library;
  std::shared_ptr<Room> room;                 // Null if no service of --listen has a room.
  std::shared_ptr<const HttpSite> http_site;  // Never null.
  TftpWrites tftp_writes;
  std::shared_ptr<const Access> access;                 // Null if everyone may do everything.
  std::shared_ptr<const AddressLimits> address_limits;  // Those of http_options; may be null.
  std::shared_ptr<const FileFetcher> fetcher;           // Likewise.
  std::shared_ptr<const RelayTargets> relay;            // Likewise, but never null.
  std::shared_ptr<Programs> programs = nullptr;         // Null if no service of --listen runs programs.
  int program = 0;                                      // The number of this listener's, among these.
};

// The transports over which a service is offered. TCP shows a session a stream of bytes, UDP one datagram at a time.
enum class Transports {
  kStream,    // TCP.
  kBoth,      // TCP, and UDP as NAME+udp.
  kOwnPorts,  // UDP only, with a port of its own for each peer, as TFTP requires (RFC 1350, section 4).
};

// A row of the table.
struct Service {
  // In --listen, the log and the statistics: letters, digits and hyphens.
  const char* name;
  const char* description;  // For --help: one line.
  // On 127.0.0.1, if --listen is empty. Unique for each transport; 0 if it runs programs.
  uint16_t default_port;
  Transports transports;
  // Creates the session of a new peer. Called from any thread, in any process of the server; must not block. Never
  // null.
  std::unique_ptr<Session> (*make_session)(const ServiceContext& context);
  // The same for a peer that sends datagrams; null if make_session serves both, or there are no datagrams.
  std::unique_ptr<Session> (*make_datagram_session)(const ServiceContext& context) = nullptr;
  // The protocol's names for a client that chooses one within TLS, in their form on the wire (RFC 7301, section 3.1).
  const char* alpn = "";
  bool has_room = false;      // Its clients share a chat room.
  bool has_operator = false;  // The operator, at the server's standard input, speaks in that room.
  // See Listener::closes_at_will.
  bool closes_at_will = false;
  // Each address of --listen names a program; see ListenSpec::program.
  bool runs_programs = false;
  // Its protocol can say that the server has too much to do; see Listener::refuses_in_words.
  bool refuses_in_words = true;

  // What --listen accepts: NAME:// and NAME+tls://, NAME+udp://.
  bool has_stream() const { return transports != Transports::kOwnPorts; }
  bool has_datagrams() const { return transports != Transports::kStream; }
  bool has_own_ports() const { return transports == Transports::kOwnPorts; }
};

// The table, in the order of the help. Static storage.
absl::Span<const Service> AllServices();

// The index of a row in the table, by which the statistics know it. `service` must be a row of it, not a copy.
int NumberOf(const Service& service);

// Null if there is no service of this name.
const Service* FindService(absl::string_view name);

// "http, file, echo, echo+udp, ...": all that --listen accepts in front of "://", for errors and help.
std::string ServiceNames();

}  // namespace polyserve

#endif  // POLYSERVE_SERVICES_H_
