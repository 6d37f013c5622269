// ServerReport: a snapshot of the server's statistics, for the pages under /-/. The server fills it from shared memory
// without stopping the workers, so that numbers taken at the same moment may differ by what happened meanwhile. All
// counts are since the start, of all workers together.
#ifndef POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
#define POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace polyserve {

struct ServerReport {
  // A process or thread that serves clients, as gettid(2) numbers them.
  struct Worker {
    int64_t process;
    int64_t thread;
  };
  // The figures of one service, over all of its listeners.
  struct Service {
    std::string name;  // As in --listen: "http".
    int64_t accepted;  // Connections; over UDP, peers.
    int64_t requests;  // Output::CountRequest(): each service says what a request is.
    int64_t errors;    // Requests that were answered with an error.
    int64_t bytes_in;  // Of payload, as the socket delivered it.
    int64_t bytes_out;
  };

  std::string model;  // The value of --model.
  double uptime_seconds = 0;
  int64_t accepted = 0;               // Connections since the start,
  int64_t active = 0;                 // open now,
  int64_t refused = 0;                // and closed at once because of a limit.
  int64_t lost_log_lines = 0;         // Of the access log: could not be written.
  int64_t lost_server_log_lines = 0;  // Of the server's own log.
  std::vector<Worker> workers;        // That serve clients now; net/worker_slots.h bounds how many are listed.
  std::vector<Service> services;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
