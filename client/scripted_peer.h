// ScriptedPeer: a server that follows a script, so that tests of clients can have it send anything, malformed replies
// included. For tests only.
#ifndef POLYSERVE_CLIENT_SCRIPTED_PEER_H_
#define POLYSERVE_CLIENT_SCRIPTED_PEER_H_

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/connection.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

// Listens on a free port and runs a script for each of its connections, one after the other, in a thread of its own. A
// connection ends with its script; the destructor waits for the last one. Every wait ends after ten seconds, so that a
// broken test fails instead of hanging. Scripts run in that thread: what they share with the test must outlive the
// peer.
//
//   ScriptedPeer peer([](Connection& client) { EXPECT_EQ(Hear(client), "L"); Say(client, "OK 0\n"); });
class ScriptedPeer {
 public:
  using Script = std::function<void(Connection& client)>;

  explicit ScriptedPeer(Script script) : ScriptedPeer(std::vector<Script>{std::move(script)}) {}
  explicit ScriptedPeer(std::vector<Script> scripts)
      : listener_(Listen()), thread_([this, scripts = std::move(scripts)] {
          for (const Script& script : scripts) Serve(script);
        }) {}
  ~ScriptedPeer() { thread_.join(); }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  Endpoint endpoint() const { return Endpoint::OfSocket(listener_.get()).value(); }

 private:
  static UniqueFd Listen() {
    return ListenTcp(Endpoint::Parse("127.0.0.1:0").value(), absl::InfiniteDuration()).value();
  }

  void Serve(const Script& script) {
    pollfd waiting = {listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) != 1) return;
    ConnectionOptions options;
    options.idle_timeout = absl::Seconds(10);
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    absl::StatusOr<Connection> client = Connection::TakeOver(std::move(socket), options);
    if (client.ok()) script(*client);
  }

  const UniqueFd listener_;
  std::thread thread_;
};

// The next line from the client; the text of the error if there is none.
inline std::string Hear(Connection& client) {
  const absl::StatusOr<absl::string_view> line = client.ReadLine(Connection::kBufferBytes - 1);
  return std::string(line.ok() ? *line : line.status().message());
}

// Sends the bytes; a client that has gone is no error here.
inline void Say(Connection& client, absl::string_view bytes) { client.Write(bytes).IgnoreError(); }

// Reads and discards `bytes` bytes, or all until the end; returns their number.
inline int64_t Swallow(Connection& client, int64_t bytes) {
  int64_t swallowed = 0;
  while (swallowed < bytes) {
    const absl::StatusOr<absl::string_view> piece = client.ReadSome(bytes - swallowed);
    if (!piece.ok() || piece->empty()) break;
    swallowed += static_cast<int64_t>(piece->size());
  }
  return swallowed;
}

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_SCRIPTED_PEER_H_
