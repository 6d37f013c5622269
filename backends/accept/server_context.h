// ServerContext: everything that a backend gets: the listeners, the limits, and where to count. It says what to serve,
// never how. wiring.cc makes it before the backend. A thread or process that counts for itself, or has listeners of its
// own, works with a copy:
//
//   the server's context ─┬▶ ContextOfThread()   a thread that takes clients from the server's listeners
//                         ├▶ ContextOfWorker()   a loop or worker with listeners of its own
//                         └▶ fork(2)             a process: all of it, for the child to change as it needs
#ifndef POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_
#define POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/connection_table.h"
#include "net/progress_watch.h"
#include "net/request_times.h"
#include "net/socket.h"
#include "net/statistics.h"

namespace polyserve {

class AddressLimits;
struct BoundCounters;
class ChildObserver;
class ConnectionLimit;
class Endpoint;
class Session;

enum class Transport {
  kStream,     // TCP: clients connect, and are accepted.
  kDatagrams,  // UDP: peers just send.
};

// A socket that clients connect to, or that peers send datagrams to, and the service that they get there. Any thread or
// process that holds it may accept; only the owner of the context closes it.
struct Listener {
  std::string service;  // Its name, for logs.
  UniqueFd fd;          // Non-blocking. Empty in a program image that was started to serve one connection.
  // A SessionFactory (protocol/session.h). Any thread may call it; it does not block.
  std::function<std::unique_ptr<Session>()> make_session;
  Transport transport = Transport::kStream;
  // For datagrams: each peer is answered from a port of its own, under every model.
  bool own_ports = false;
  int number = kNoService;  // The service's, in the statistics.
  // Its connections are listed here, for a look at what the server does; in a test, nowhere.
  ConnectionTable connections = ConnectionTable();
  // The descriptors of all listeners that share its port (SO_REUSEPORT), itself among them; none if it is alone. Not
  // owned.
  std::vector<int> siblings = {};
  bool has_tls = false;  // Its sessions are encrypted. For the announcement; no model cares.
  // One more listener of the port that the one before it in the context has (SO_REUSEPORT): both were there before this
  // server, which an upgrade has started.
  bool is_sibling = false;
  // A service manager holds the socket as well, and will give it to the next server.
  bool is_managers = false;
  // Its protocol lets the server close a connection between two requests, and its clients then connect again: HTTP (RFC
  // 9112, section 9.3.1). In a pool such connections give way to clients that wait; see ServerContext::others_wait.
  bool closes_at_will = false;
  // A client that is refused before it has said anything gets words (Session::OnOverload()). If not, it is closed
  // without a session, which might begin to cost something at once, such as a program, or TLS.
  bool refuses_in_words = true;
  // How many connections an address may have; null: any number. StartConversation() asks.
  std::shared_ptr<const AddressLimits> address_limits = nullptr;

  bool has_datagrams() const { return transport == Transport::kDatagrams; }
  // The same with another descriptor; its siblings are for the caller to add.
  Listener CopyWith(UniqueFd other) const;
  // True if clients that connect from now on are another server's: this one must neither refuse them nor shut the
  // listener down, only close it. Any thread.
  bool stays_open() const;
  // The server stops: from now on the kernel refuses clients that try to connect to this listener and its siblings; see
  // net/socket.h. Clients in the queue stay there. Does nothing if it stays open. Idempotent; any thread.
  void RefuseNewClients() const;
};

// A client that was accepted, and counted. Destroying it closes the socket, but does not count the end: see CountEnd()
// in connection_limit.h.
struct Connection {
  UniqueFd fd;
  const Listener* listener;  // Outlives it.
  // For a UDP peer that has a socket of its own: the channel for datagrams that reached the listener instead
  // (udp_acceptor.h). Empty otherwise.
  UniqueFd misdelivered = UniqueFd();
};

// A descriptor that a program image, started afresh for one connection (see Process), gets besides that connection. The
// server and the image list the same ones, in the same order.
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
  ListenOptions listen = {};                                    // The listeners' own, for more of the same kind.
  std::function<void()> reload = [] {};                         // On SIGHUP, in the process that gets it.
  std::function<void()> log_drain = [] {};                      // While it stops: logs for whom it waits.
  LeastRate least_rate = {};                                    // Required of connections; see net/progress_watch.h.
  RequestTimes request_times = {};                              // Of those that are timed; see timed_turn.h.
  // Learn of child processes that have ended, in this order. A part that starts processes adds its observer before it
  // does. Not owned.
  std::vector<ChildObserver*> child_observers = {};
  std::vector<InheritedFd> inherited_fds = {};  // For images; empty if the model starts none.
  // The listeners that the model has added to ports of `listeners` (SO_REUSEPORT), for an upgrade to hand on. Filled by
  // Backend::Prepare(); they never move.
  std::list<Listener> siblings = {};
  // Called with all events, before the others are answered; in the same thread as AnswerCommonSignals().
  std::function<void(unsigned events)> on_signals = [](unsigned) {};
  // Call it when the server stops, before the listeners are closed: returns when no other thread is just handing them
  // on to a new server. From then on none does.
  std::function<void()> await_handing_on = [] {};
  // In the worker of a pool: whether a client waits that no other worker will take. Empty in models in which no client
  // waits for another one. Costs system calls; for the worker's own thread.
  std::function<bool()> others_wait = nullptr;
};

// The server's context, with other listeners, for a worker that has listeners of its own, and counts in the row of its
// slot. Observers of children, and descriptors for images, are left out: they are the parent's.
ServerContext ContextOfWorker(const ServerContext& server, int slot, std::vector<Listener> listeners);

// The same for a thread that takes clients from the server's listeners: the copies in its context have no descriptors.
// The thread thus counts in its own row, and shares no cache line with other threads.
ServerContext ContextOfThread(const ServerContext& server, int slot);

// For models with a child process for each client, when one has ended. `children` are left, so all clients that count
// as active beyond these have ended with their child, and are counted as ended. (A child that was killed could not do
// it itself.) Call it in the thread that accepts, between two clients: one that is accepted but has no child yet would
// count as lost.
void CountLostClients(int64_t children, ServerContext& context);

// True if any of the listeners takes datagrams.
bool TakesDatagrams(const ServerContext& context);

// The addresses of the listeners that take datagrams; those without a descriptor are left out.
std::vector<Endpoint> UdpEndpoints(const ServerContext& context);

// Answers the signals that mean the same under every model: a report, a reload, an upgrade, children that have ended, a
// drain that goes on. `events` is a set of Signals::Event; a stop is the caller's concern. In the main thread, or in
// the SignalThread. Does not wait, but a reload opens files. A model calls it until its last client has left.
void AnswerCommonSignals(unsigned events, const ServerContext& context);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_SERVER_CONTEXT_H_
