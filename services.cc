#include "services.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "net/statistics.h"
#include "protocol/chat/session.h"
#include "protocol/chat/udp_session.h"
#include "protocol/compute.h"
#include "protocol/echo.h"
#include "protocol/exec.h"
#include "protocol/file.h"
#include "protocol/file_unframed.h"
#include "protocol/http/media_types.h"
#include "protocol/http/session.h"
#include "protocol/http/site.h"
#include "protocol/message.h"
#include "protocol/relay.h"
#include "protocol/tftp/session.h"
#include "protocol/wait.h"

namespace polyserve {

namespace {

// The functions that make sessions are plain functions, not closures: their addresses are constants, and so the whole
// table below is one, ready before any constructor runs.
template <typename S>
std::unique_ptr<Session> Make(const ServiceContext&) {
  return std::make_unique<S>();
}

std::unique_ptr<Session> MakeFile(const ServiceContext& context) {
  return std::make_unique<FileSession>(context.library, context.access, context.address_limits, context.fetcher);
}

std::unique_ptr<Session> MakeFileUnframed(const ServiceContext& context) {
  return std::make_unique<FileUnframedSession>(context.library, context.access);
}

std::unique_ptr<Session> MakeTftp(const ServiceContext& context) {
  return std::make_unique<TftpSession>(context.library, context.tftp_writes, context.access, context.fetcher);
}

// The site is shared, not copied: it holds the cache of replies and the rules, which are the same for all connections.
std::unique_ptr<Session> MakeHttp(const ServiceContext& context) {
  return std::make_unique<HttpSession>(context.http_site);
}

std::unique_ptr<Session> MakeRelay(const ServiceContext& context) {
  return std::make_unique<RelaySession>(context.relay);
}

// The room is there: Server::MakeContext() makes one if any service of --listen has `has_room`. The session keeps a
// plain reference, and the listener's copy of the context keeps the room alive.
std::unique_ptr<Session> MakeChat(const ServiceContext& context) {
  return std::make_unique<ChatSession>(*context.room, context.access);
}

// A session of its own, because the dialect differs (protocol/chat/udp_session.h), and because the address of a sender
// can be forged: such a peer has to prove itself before it gets much.
std::unique_ptr<Session> MakeChatDatagrams(const ServiceContext& context) {
  return std::make_unique<ChatDatagramSession>(*context.room, context.access);
}

// Server::MakeContext() has made the programs, and numbered this listener's.
std::unique_ptr<Session> MakeExec(const ServiceContext& context) {
  return std::make_unique<ExecSession>(context.programs->NewProgram(context.program));
}

constexpr Service RefusingWithoutWords(Service service) {
  service.refuses_in_words = false;
  return service;
}

// The statistics number the services by their place here. A number is good for the life of one server, all of whose
// processes run this same table; names are used wherever something outlives it, as in logs. So a new row may stand
// anywhere.
constexpr Service kServices[] = {
    {"http", "the files under --root, by HTTP/1.1: GET, HEAD, PUT", 8080, Transports::kStream, &MakeHttp,
     /*make_datagram_session=*/nullptr, "\x08http/1.1\x08http/1.0", /*has_room=*/true,
     /*has_operator=*/false, /*closes_at_will=*/true},
    {"file", "the files under --root: list, get, put", 8081, Transports::kStream, &MakeFile},
    RefusingWithoutWords({"echo", "sends back what comes (RFC 862)", 8082, Transports::kBoth, &Make<EchoSession>}),
    RefusingWithoutWords(
        {"message", "acknowledges each chunk that comes", 8083, Transports::kStream, &Make<MessageSession>}),
    {"compute", "sums up primes: work for the processor", 8084, Transports::kStream, &Make<ComputeSession>},
    {"chat", "a room where what one says reaches all others", 8085, Transports::kBoth, &MakeChat, &MakeChatDatagrams,
     /*alpn=*/"", /*has_room=*/true, /*has_operator=*/true},
    RefusingWithoutWords({"file-unframed", "as file, in the course's dialect, for its own clients", 8086,
                          Transports::kStream, &MakeFileUnframed}),
    {"tftp", "the files under --root, by TFTP (RFC 1350)", 8087, Transports::kOwnPorts, &MakeTftp},
    {"wait", "answers after a time: requests that wait", 8088, Transports::kStream, &Make<WaitSession>},
    {"relay", "asks a server of --relay_to, and passes its answer on", 8089, Transports::kStream, &MakeRelay},
    RefusingWithoutWords({"exec", "any program, started for each connection; with --allow_exec", 0, Transports::kStream,
                          &MakeExec, /*make_datagram_session=*/nullptr, /*alpn=*/"",
                          /*has_room=*/false, /*has_operator=*/false, /*closes_at_will=*/false,
                          /*runs_programs=*/true}),
};
static_assert(std::size(kServices) <= kMaxServices, "each service has a row of counters");

}  // namespace

ServiceContext::ServiceContext(std::shared_ptr<const Library> library, HttpSite::Options http_options,
                               TftpWrites tftp_writes, std::shared_ptr<Room> room, std::shared_ptr<const Access> access)
    : library(std::move(library)),
      room(std::move(room)),
      tftp_writes(tftp_writes),
      access(std::move(access)),
      address_limits(http_options.address_limits),
      fetcher(http_options.fetcher),
      relay(http_options.relay != nullptr ? http_options.relay : std::make_shared<const RelayTargets>()) {
  http_options.access = this->access;
  // The room comes before the site, since http passes it on: a browser joins the chat at /-/chat. The parameter of the
  // same name has been moved from by now, hence `this->`.
  if (this->room != nullptr) {
    // A reference of its own: sessions may outlive this object.
    http_options.chat = [room = this->room, access = this->access](absl::string_view address,
                                                                   const Permissions& permissions) {
      auto session = std::make_unique<ChatSession>(*room, access);
      session->Admit(address, permissions);
      return session;
    };
  }
  http_site = std::make_shared<const HttpSite>(this->library, MediaTypes::OfSystem(), std::move(http_options));
}

absl::Span<const Service> AllServices() { return kServices; }

int NumberOf(const Service& service) { return static_cast<int>(&service - AllServices().data()); }

// A linear search is enough: it runs once for each address of --listen, at the start.
const Service* FindService(absl::string_view name) {
  for (const Service& service : kServices) {
    if (name == service.name) return &service;
  }
  return nullptr;
}

std::string ServiceNames() {
  std::vector<std::string> names;
  for (const Service& service : kServices) {
    if (service.has_stream()) names.push_back(absl::StrCat(service.name, service.runs_programs ? ":PROGRAM" : ""));
    if (service.has_datagrams()) names.push_back(absl::StrCat(service.name, "+udp"));
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace polyserve
