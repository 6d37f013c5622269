// ServerReport: what the server says of itself at one moment; for the pages under /-/.
#ifndef POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
#define POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace polyserve {

struct ServerReport {
  struct Worker {
    int64_t process;
    int64_t thread;
  };
  struct Service {
    std::string name;
    int64_t accepted;
    int64_t requests;
    int64_t errors;
    int64_t bytes_in;
    int64_t bytes_out;
  };

  std::string model;
  double uptime_seconds = 0;
  int64_t accepted = 0;  // Connections.
  int64_t active = 0;
  int64_t refused = 0;
  int64_t lost_log_lines = 0;         // Of the access log.
  int64_t lost_server_log_lines = 0;  // Of the server's own log.
  std::vector<Worker> workers;        // The processes and threads that serve clients at the moment.
  std::vector<Service> services;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SERVER_REPORT_H_
