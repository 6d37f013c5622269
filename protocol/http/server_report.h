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
#include <string>
#include <vector>

namespace polyserve {

struct ServerReport {
  // A process or thread that serves clients, as gettid(2) numbers them. If `thread` equals `process`, it is the
  // process's main thread.
  struct Worker {
    int64_t process;
    int64_t thread;
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

  // The value of --model: letters, digits and hyphens.
  std::string model;
  // By a clock that cannot be set, so it never goes back.
  double uptime_seconds = 0;
  int64_t accepted = 0;  // Connections that got a session,
  int64_t active = 0;    // those of them that are open,
  int64_t refused = 0;   // and connections closed at once, over a limit or for lack of a resource.
  // Lines that could not be written at once, because the disk was full or the reader of a pipe was slow: of the access
  // log, and of the server's own on standard error.
  int64_t lost_log_lines = 0;
  int64_t lost_server_log_lines = 0;
  // Those that serve clients now; net/worker_slots.h bounds how many are listed.
  std::vector<Worker> workers;
  // One for each service that the program knows, whether it listens or not.
  std::vector<Service> services;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
