// ServerContext: all that a backend is given. It says what to serve, never how.
#ifndef POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_
#define POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/progress_watch.h"
#include "net/socket.h"
#include "net/statistics.h"

namespace polyserve {

class ChildObserver;
class ConnectionLimit;
class Endpoint;
class Session;

enum class Transport {
  kStream,     // TCP: clients connect, and are accepted.
  kDatagrams,  // UDP: peers just send.
};

// A socket that clients connect to, or that peers send datagrams to, and what they get there.
struct Listener {
  std::string service;  // For logs.
  UniqueFd fd;          // Non-blocking. Empty in a program image that was started to serve one connection.
  std::function<std::unique_ptr<Session>()> make_session;  // A SessionFactory (protocol/session.h).
  Transport transport = Transport::kStream;
  bool own_ports = false;          // Of datagrams: each peer is answered from a port of its own, under every model.
  int number = kNoService;         // Of the service, for the statistics.
  std::vector<int> siblings = {};  // All that share its port (SO_REUSEPORT), itself among them; none if it is alone.

  bool has_datagrams() const { return transport == Transport::kDatagrams; }
  // The server stops: whoever tries to connect from now on is refused; see net/socket.h.
  void RefuseNewClients() const;
};

// A client that was accepted.
struct Connection {
  UniqueFd fd;
  const Listener* listener;
  // Of a peer that sends datagrams, and has a socket of its own: what reached the listener instead comes here.
  UniqueFd misdelivered = UniqueFd();
};

// A descriptor that a program image started afresh for one connection (see Process) is handed besides that connection.
// The server and the image list the same ones, in the same order.
struct InheritedFd {
  int fd;                               // In the server, which keeps it open while it serves; -1 in an image.
  std::function<void(UniqueFd)> adopt;  // Called in the image, with its own copy.
};

struct ServerContext {
  std::vector<Listener> listeners;
  // A connection on which nothing moves for so long is closed; may be infinite.
  absl::Duration idle_timeout;
  Statistics statistics;
  std::shared_ptr<ConnectionLimit> connection_limit = nullptr;  // Null: there may be any number of connections.
  ListenOptions listen = {};             // As the listeners are, for those that are opened beside them.
  std::function<void()> reload = [] {};  // On SIGHUP, in the process that gets it.
  LeastRate least_rate = {};             // That is asked of peers; for connections.
  // Told of child processes that have ended, in this order. Whatever starts processes adds its own before it does.
  std::vector<ChildObserver*> child_observers = {};
  std::vector<InheritedFd> inherited_fds = {};  // For images; empty if the model starts none.
};

// The same, with other listeners, for a worker that has listeners of its own, and counts for itself.
ServerContext ContextOfWorker(const ServerContext& server, int slot, std::vector<Listener> listeners);

// The same for a thread, which takes clients from others' listeners: its own ones have no descriptors. So the thread
// counts in the cache lines of its slot alone.
ServerContext ContextOfThread(const ServerContext& server, int slot);

// Where each client has a child of its own, of which so many are left: notes the end of those whose child was killed.
// It could not do so itself, or just had, and told nobody yet.
void CountLostClients(int64_t children, ServerContext& context);

// True if any of the listeners takes datagrams.
bool TakesDatagrams(const ServerContext& context);

// Where the listeners that take datagrams are bound; those without a descriptor are left out.
std::vector<Endpoint> UdpEndpoints(const ServerContext& context);

// Carries out what signals asked for and every model answers alike: a report, a reload, children that have ended. Takes
// a set of Signals::Event.
void AnswerCommonSignals(unsigned events, const ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_
