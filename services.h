// The services by name: the one table for --listen, its defaults, the help and the tests. A service is a Session; it
// knows no model, and no model knows it.
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

// What sessions share.
struct ServiceContext {
  ServiceContext(std::shared_ptr<const Library> library, HttpSite::Options http_options, std::shared_ptr<Room> room);

  std::shared_ptr<const Library> library;
  std::shared_ptr<Room> room;  // Null where no service that has one is listened for.
  std::shared_ptr<const HttpSite> http_site;
};

// What a service can be spoken to by.
enum class Transports {
  kStream,
  kBoth,
  kOwnPorts,  // Datagrams alone, and each peer is answered from a port of its own.
};

struct Service {
  const char* name;
  const char* description;
  uint16_t default_port;
  Transports transports;
  std::unique_ptr<Session> (*make_session)(const ServiceContext& context);
  // The same for a peer that sends datagrams; null where there is no difference.
  std::unique_ptr<Session> (*make_datagram_session)(const ServiceContext& context) = nullptr;
  bool has_room = false;      // Its clients share a room.
  bool has_operator = false;  // Whoever sits at the server's standard input speaks in it.

  bool has_stream() const { return transports != Transports::kOwnPorts; }
  bool has_datagrams() const { return transports != Transports::kStream; }
  bool has_own_ports() const { return transports == Transports::kOwnPorts; }
};

absl::Span<const Service> AllServices();

// Its index in that table: how the statistics and the log call it.
int NumberOf(const Service& service);

// Null if there is none of this name.
const Service* FindService(absl::string_view name);

// "http, file, echo, echo+udp, ...": what --listen takes, for errors and help.
std::string ServiceNames();

}  // namespace polyserve

#endif  // POLYSERVE_SERVICES_H_
