// ServerContext: all that a backend is given: the listeners, the limits, and where to count. It says what to serve,
// never how. Made by wiring.cc before the backend; each thread or process that counts for itself, or has listeners of
// its own, works with a copy (ContextOfThread(), ContextOfWorker()).
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

// A socket that clients connect to, or that peers send datagrams to, and the service that they get there. Of several
// threads each may accept; only the owner of the context closes.
struct Listener {
  std::string service;  // For logs.
  UniqueFd fd;          // Non-blocking. Empty in a program image that was started to serve one connection.
  std::function<std::unique_ptr<Session>()> make_session;  // A SessionFactory (protocol/session.h).
  Transport transport = Transport::kStream;
  bool own_ports = false;          // Of datagrams: each peer is answered from a port of its own, under every model.
  int number = kNoService;         // Of the service, for the statistics.
  std::vector<int> siblings = {};  // All that share its port (SO_REUSEPORT), itself among them; none if it is alone.

  bool has_datagrams() const { return transport == Transport::kDatagrams; }
  // The server stops: the kernel refuses clients that try to connect from now on, at this listener and its siblings;
  // see net/socket.h. Idempotent.
  void RefuseNewClients() const;
};

// A client that was accepted, and counted. Destroying it closes the socket, but does not count the end: see CountEnd()
// in connection_limit.h.
struct Connection {
  UniqueFd fd;
  const Listener* listener;  // Outlives it.
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
  // A connection on which nothing moves for this time is closed; may be infinite.
  absl::Duration idle_timeout;
  Statistics statistics;
  std::shared_ptr<ConnectionLimit> connection_limit = nullptr;  // Null: there may be any number of connections.
  ListenOptions listen = {};             // As the listeners are, for those that are opened beside them.
  std::function<void()> reload = [] {};  // On SIGHUP, in the process that gets it.
  LeastRate least_rate = {};             // That is asked of peers; for connections.
  // Told of child processes that have ended, in this order. A part that starts processes adds its observer before it
  // does. Not owned.
  std::vector<ChildObserver*> child_observers = {};
  std::vector<InheritedFd> inherited_fds = {};  // For images; empty if the model starts none.
};

// The server's context, with other listeners, for a worker that has listeners of its own, and counts in the row of its
// slot. Without observers of children and descriptors for images, which are the parent's.
ServerContext ContextOfWorker(const ServerContext& server, int slot, std::vector<Listener> listeners);

// The same for a thread that takes clients from the server's listeners: its own copies have no descriptors. So the
// thread counts in the cache lines of its slot alone.
ServerContext ContextOfThread(const ServerContext& server, int slot);

// For models with a child process for each client, when one has ended: `children` are left, so the clients that count
// as active beyond these have ended with their child, and are counted so. (A child that was killed could not do it
// itself.)
void CountLostClients(int64_t children, ServerContext& context);

// True if any of the listeners takes datagrams.
bool TakesDatagrams(const ServerContext& context);

// The addresses of the listeners that take datagrams; those without a descriptor are left out.
std::vector<Endpoint> UdpEndpoints(const ServerContext& context);

// Answers the signals that every model answers alike: a report, a reload, children that have ended. `events` is a set
// of Signals::Event; a stop is the caller's concern. In the main thread.
void AnswerCommonSignals(unsigned events, const ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_
