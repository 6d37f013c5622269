// Schedule: the requests of many clients, and when each is due. Read from a file (the workload replay), or drawn
// (web_users.h). ScheduledClients executes it. The file is a table with commas:
//
//   time,method,path,bytes,client     the first line may be these names
//   0.000,GET,/a.html,5120,7
//   0.031,HEAD,/b.png,900,7           on the connection of the request above
//   0.044,GET,/c,3,                   no client: on a connection of its own, which is closed after the reply
//
//   time    seconds since the beginning, in ascending order
//   method  GET or HEAD
//   path    begins with a slash, and is sent as it is; may contain commas
//   bytes   the length of the content, which the server must have, and which the reply to HEAD announces
//   client  any text; the same text is the same client, which has one connection at a time
#ifndef POLYSERVE_CLIENT_LOAD_SCHEDULE_H_
#define POLYSERVE_CLIENT_LOAD_SCHEDULE_H_

#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/http_fetch.h"
#include "net/endpoint.h"

namespace polyserve {

// Plain data, shared by all threads. After its end it begins again.
struct Schedule {
  struct Request {
    int64_t due;      // In nanoseconds since the beginning.
    uint32_t client;  // Below `clients`.
    uint32_t target;  // An index of `targets`.
    bool closes;      // The client closes its connection after the reply.
  };

  std::vector<HttpTarget> targets;
  std::vector<Request> requests;  // By `due`.
  uint32_t clients = 0;
  int64_t length = 0;                          // Of one pass, in nanoseconds; above the `due` of all requests.
  std::shared_ptr<const std::string> content;  // What HttpTarget::content points into; may be null.

  // Requests per second, on average.
  double rate() const { return static_cast<double>(requests.size()) * 1e9 / static_cast<double>(length); }
};

// Reads the table described above. A pass ends one mean interval after the last request. InvalidArgument: a line is not
// what it must be (the text names it and says why), or there is no request.
absl::StatusOr<Schedule> ParseSchedule(std::istream& table, const Endpoint& server);

// The same from a file. Also NotFound: it cannot be opened.
absl::StatusOr<Schedule> ReadSchedule(const std::string& path, const Endpoint& server);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SCHEDULE_H_
