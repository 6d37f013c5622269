#include "connection_flags.h"

#include <gflags/gflags.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/overload/overload_options.h"
#include "base/command_line.h"
#include "base/take.h"

// A flag takes its default from its struct: a test that fills the struct without any flags then runs with the server's
// values.
DEFINE_string(idle_timeout, "5m", "=TIME close a connection on which nothing moves for this long; 'inf' for never");
DEFINE_int64(min_rate, 512,
             "=BYTES close a connection whose peer takes a reply, or sends the rest of a request, more slowly on "
             "average; in bytes per second, 0 for never");
DEFINE_string(min_rate_window, "2m", "=TIME how long such a peer may stay below --min_rate");
DEFINE_int64(max_connections, 0, "the most connections at a time, of all workers together; 0: no limit");
DECLARE_string(overload);  // See backends/overload/overload_options.h.
DEFINE_string(
    tcp_keep_alive, "2m",
    "=TIME after this silence, ask the peer's system whether the connection is still there, and after as much "
    "without an answer give it up; 'inf' for never");
DEFINE_int32(listen_backlog, polyserve::ListenOptions().backlog,
             "connections that may wait to be accepted; the system limits it to net.core.somaxconn");
DEFINE_bool(tcp_nodelay, polyserve::ListenOptions().no_delay, "send small replies at once (TCP_NODELAY)");
DEFINE_int32(socket_buffer, polyserve::ListenOptions().buffer_bytes,
             "=BYTES each connection's send and receive buffer; 0: the system adapts them");
DEFINE_int32(time_requests, 0, "=N find out where the time of one request in N goes, for /-/metrics; 0: of none");

namespace polyserve {

namespace {

// Bounds of what may be tuned: the largest backlog that every kernel can hold (16 bits once), what the kernel accepts
// as a buffer, and a rate of a gibibyte a second.
constexpr int kMaxListenBacklog = 65535;
constexpr int kLeastSocketBuffer = 2048;
constexpr int kMaxSocketBuffer = 1 << 30;
constexpr int64_t kMaxMinRate = int64_t{1} << 30;

// Without the send time-out, which follows from other flags; see ConnectionTermsFromFlags().
absl::StatusOr<ListenOptions> MakeListenOptions() {
  absl::Status status = CheckFlagRange("listen_backlog", FLAGS_listen_backlog, 1, kMaxListenBacklog);
  // 0 is no size: the kernel then adapts the buffers to the connection (tcp_moderate_rcvbuf and tcp_wmem, tcp(7)). Any
  // SO_RCVBUF or SO_SNDBUF ends that for the socket, so there is no value that would mean the same.
  if (FLAGS_socket_buffer != 0) {
    status.Update(CheckFlagRange("socket_buffer", FLAGS_socket_buffer, kLeastSocketBuffer, kMaxSocketBuffer));
  }
  absl::Duration keep_alive;
  status.Update(Take(ParseTimeFlag("tcp_keep_alive", FLAGS_tcp_keep_alive), keep_alive));
  if (!status.ok()) return status;
  if (keep_alive < absl::InfiniteDuration() && (keep_alive < absl::Seconds(1) || keep_alive > kMaxKeepAlive)) {
    return absl::InvalidArgumentError(absl::StrCat("--tcp_keep_alive=", FLAGS_tcp_keep_alive, " is not from 1s to ",
                                                   absl::FormatDuration(kMaxKeepAlive), "; 'inf' is for never"));
  }
  return ListenOptions{.backlog = FLAGS_listen_backlog,
                       .no_delay = FLAGS_tcp_nodelay,
                       .buffer_bytes = FLAGS_socket_buffer,
                       .keep_alive = keep_alive};
}

absl::StatusOr<LeastRate> MakeLeastRate() {
  if (absl::Status status = CheckFlagRange("min_rate", FLAGS_min_rate, 0, kMaxMinRate); !status.ok()) return status;
  // The window is checked even if there is no least rate: a malformed flag must not pass just because another one makes
  // it useless.
  LeastRate rate{FLAGS_min_rate, absl::ZeroDuration()};
  const absl::Status status = Take(
      ParseTimeoutFlag("min_rate_window", FLAGS_min_rate_window, "--min_rate=0 is for no least rate"), rate.window);
  if (!status.ok()) return status;
  return rate;
}

// Without a limit there is nothing above it, and only a queue of the model's own can be meant. The default of
// --overload must not count here, hence IsFlagSet().
absl::Status CheckOverload(const Model& model) {
  const absl::StatusOr<OverloadOptions> options = OverloadOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (TraitsWithFlags(model).queues) return absl::OkStatus();
  if (options->rule == Overload::kNewest || options->rule == Overload::kDeadline || IsFlagSet("overload_queue")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--overload=", FLAGS_overload, " is about a queue of the server's own, and with these flags ",
                     model.name, " has none; a pool has one with --accept=pass, an event loop without --offload; any ",
                     "model refuses what is beyond --max_connections=N with --overload=refuse"));
  }
  if (FLAGS_max_connections > 0 || !IsFlagSet("overload")) return absl::OkStatus();
  return absl::InvalidArgumentError("--overload goes with --max_connections=N; leave it out, or say how many");
}

// 0 connections: there may be any number.
absl::Status ReadLimit(const Model& model, ConnectionTerms& terms) {
  if (FLAGS_max_connections < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--max_connections=", FLAGS_max_connections, " is below 0"));
  }
  if (absl::Status status = CheckOverload(model); !status.ok()) return status;
  terms.most = FLAGS_max_connections;
  terms.beyond = FLAGS_overload == "refuse" ? ConnectionLimit::Overload::kRefuse : ConnectionLimit::Overload::kWait;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConnectionTerms> ConnectionTermsFromFlags(const Model& model) {
  ConnectionTerms terms;
  absl::Status status =
      Take(ParseTimeoutFlag("idle_timeout", FLAGS_idle_timeout, "'inf' is for never"), terms.idle_timeout);
  status.Update(ReadLimit(model, terms));
  status.Update(Take(MakeLeastRate(), terms.least_rate));
  status.Update(Take(MakeListenOptions(), terms.listen));
  status.Update(CheckFlagRange("time_requests", FLAGS_time_requests, 0, INT32_MAX));
  if (!status.ok()) return status;
  terms.time_one_in = static_cast<uint32_t>(FLAGS_time_requests);
  terms.listen.stamps_arrivals = terms.time_one_in > 0;
  // A blocking send has to return now and then, or the driver could not judge a peer that reads too slowly.
  terms.listen.send_timeout = ProgressLimits(terms.idle_timeout, terms.least_rate).send_wait();
  return terms;
}

}  // namespace polyserve
