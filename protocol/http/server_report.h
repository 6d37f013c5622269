// ServerReport: a snapshot of the server's statistics, for the pages under /-/. The server fills it from shared memory
// without stopping the workers, so that numbers taken at the same moment may differ by what happened meanwhile. All
// counts are since the start, of all workers together.
//
//   counters in shared memory (net/statistics.h) ── HttpSite::Options::report() ──▶ ServerReport ─┬─▶ StatusJson()
//                                                                                                 └─▶ MetricsText()
//
// It keeps protocol/ free of net/: this folder knows what is reported, not how it is counted. Plain data, owned by the
// request that asked for it; the request itself is not in it yet, because it is counted when its reply is written.
#ifndef POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
#define POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve {

struct ServerReport {
  // A process or thread that serves clients, as gettid(2) numbers them. If `thread` equals `process`, it is the
  // process's main thread.
  struct Worker {
    int64_t process;
    int64_t thread;
    int64_t connections = 0;                           // That it serves now: of those in the table, see Connection.
    int64_t requests = 0;                              // That it has answered since it began.
    std::optional<double> cpu_seconds = std::nullopt;  // Not asked for all, if there are very many.
  };
  // A process of the server, whether it serves clients or not.
  struct Process {
    int64_t process;
    int64_t parent;
    std::string name;  // Any bytes, 15 at most.
    int64_t threads;
    double cpu_seconds;                // All of its threads, and all of its children that have ended.
    int64_t rss_bytes;                 // Resident memory; a page that processes share counts in each,
    std::optional<int64_t> pss_bytes;  // or in equal parts. Nothing if the system does not permit that.
  };
  // A socket that clients come to.
  struct Listener {
    std::string service;
    bool has_datagrams;
    std::string address;                             // "127.0.0.1:8080"
    std::optional<int64_t> waiting = std::nullopt;   // Clients that have connected and are not accepted yet.
    std::optional<int64_t> capacity = std::nullopt;  // How many can wait. Neither is known on every system.
  };
  // A connection over TCP that is open now, by the thread that serves it.
  struct Connection {
    int64_t process;
    int64_t thread;
    std::string service;
    std::string peer;         // "127.0.0.1:54321"
    absl::string_view doing;  // "waits", "works", "sends" or "closes"; static storage.
    double age_seconds;
    int64_t requests;  // That were answered on it.
    // As the kernel counts, in bytes; nothing if it does not tell. Of those that were received, `unread` are not read
    // by the server yet; `unsent` are those that it has written, and the peer's system has not acknowledged.
    struct Bytes {
      int64_t received;
      int64_t unread;
      int64_t acknowledged;
      int64_t unsent;
    };
    std::optional<Bytes> bytes = std::nullopt;
    std::string via = {};  // The load balancer that speaks for the peer, "10.0.0.1:5000"; "": there is none.
  };
  // What is left of a stop.
  struct Drain {
    double grace_seconds_left;           // For clients without a request under way.
    std::optional<double> seconds_left;  // For all; nothing if they have as long as they like.
  };
  // The figures of one service, over all of its listeners.
  struct Service {
    std::string name;  // As in --listen: "http".
    int64_t accepted;  // Connections; over UDP, peers.
    int64_t requests;  // Output::CountRequest(): each service says what a request is.
    int64_t errors;    // Requests that were answered with an error; they are in `requests` as well.
    // Bytes of payload as the socket delivered and took them: heads and framing are included, those of TCP and IP not.
    int64_t bytes_in;
    int64_t bytes_out;
  };

  // What waits in a queue of the server's own, over all of them; all 0 if the model has none: tasks that loops give to
  // their helpers, requests at a loop and clients at a pool (--overload). One that waits has not been begun.
  struct Queue {
    int64_t tasks = 0;    // So far.
    int64_t waiting = 0;  // Now.
    int64_t longest = 0;  // The most that ever waited in one queue.
    double wait_seconds = 0;
    double longest_wait_seconds = 0;
    int64_t refused = 0;  // The queue was full.
    int64_t dropped = 0;  // They had waited for too long, and were refused.
    int64_t stolen = 0;   // A worker has taken them from the queue of another one.
  };

  // How long requests were in a part of their way through the server, or, if `part` is empty, in all of it.
  struct Times {
    absl::string_view part;  // "socket", "run"; in static storage.
    int64_t count = 0;       // Requests that were timed.
    double seconds = 0;      // Of all of them.
    // How many took at most so many seconds; the last bound is infinite.
    std::vector<std::pair<double, int64_t>> buckets = {};
  };
  struct TimesOfService {
    std::string service;
    Times whole;
    std::vector<Times> parts = {};  // Which add up to the whole.
  };

  // The value of --model: letters, digits and hyphens.
  std::string model;
  // By a clock that cannot be set, so it never goes back.
  double uptime_seconds = 0;
  int64_t accepted = 0;  // Connections that were accepted to be served,
  int64_t active = 0;    // those of them that are open,
  int64_t refused = 0;   // and connections closed at once, over a limit or for lack of a resource.
  // Lines that could not be written at once, because the disk was full or the reader of a pipe was slow: of the access
  // log, and of the server's own on standard error.
  int64_t lost_log_lines = 0;
  int64_t lost_server_log_lines = 0;
  int64_t left_out_server_log_lines = 0;  // Of floods; see base/log_flood.h.
  // With --auth_file: passwords that were wrong, and logins that were refused because their address had sent too many.
  int64_t wrong_passwords = 0;
  int64_t refused_logins = 0;
  // Of TLS. A connection that resumes a session shows no certificate and costs less.
  struct Handshakes {
    int64_t full = 0;
    int64_t resumed = 0;
    int64_t failed = 0;
  };
  Handshakes handshakes = {};
  // Of the PROXY protocol, by what they were; see protocol/proxy/counters.h.
  struct ProxyHeaders {
    int64_t client = 0;
    int64_t own = 0;
    int64_t malformed = 0;
    int64_t late = 0;
  };
  ProxyHeaders proxy_headers = {};
  // How often each bound of the server was met: {"rate_per_address", 3}. The names are in static storage.
  std::vector<std::pair<absl::string_view, int64_t>> bounds = {};
  Queue queue = {};
  // The same for each queue that has a name, as those of a model with stages. Letters; in static storage.
  std::vector<std::pair<absl::string_view, Queue>> stages = {};
  // Those that serve clients now; net/worker_slots.h bounds how many are listed.
  std::vector<Worker> workers = {};
  // One for each service that the program knows, whether it listens or not.
  std::vector<Service> services = {};
  int64_t times_one_in = 0;  // Of how many requests one is timed; 0: none.
  std::vector<TimesOfService> request_times = {};

  // --- For a look at the model at work. ---
  int64_t process = 0;            // The server's main process.
  int64_t answering_process = 0;  // The process and thread that made this report.
  int64_t answering_thread = 0;
  bool is_stopping = false;                              // As far as the process knows that made this report.
  std::optional<Drain> drain = std::nullopt;             // Known to all processes 50 ms after the stop began.
  int processors = 0;                                    // That the server may run on.
  double cpu_seconds = 0;                                // Of all processes, those that have ended included.
  bool is_read_only = false;                             // The library takes no uploads,
  std::optional<int64_t> max_file_bytes = std::nullopt;  // or only of files up to this size.
  struct Quota {
    int64_t used_bytes;  // Of all files.
    int64_t most_bytes;
  };
  std::optional<Quota> quota = std::nullopt;  // Nothing if there is none.
  // Which clients keep others waiting by staying: "one", if the server serves one at a time; "pool", if each of several
  // workers does; "none". Static storage.
  absl::string_view keeps_others_out = "none";
  // The flags that belong to the model, with their values: {"workers", "2"}.
  std::vector<std::pair<std::string, std::string>> flags = {};
  std::vector<Listener> listeners = {};
  std::vector<Process> processes = {};       // Bounded; the server's main process comes first.
  std::vector<Connection> connections = {};  // Bounded; `active` is how many there are, those of UDP included.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
