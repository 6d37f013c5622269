// Stream: a simulated TCP connection, between the server's socket and a scripted peer: a client (client.h), or a server
// that the one under test asks (other_server.h). It has the bytes on their way, and nothing of time or waiting: those
// are the kernel's (kernel.h) and the peer's.
//
//   peer ── Arrive() ──▶ arrived ── Read() ──▶ server
//   peer ◀─ Acknowledge() ─ unacknowledged ◀─ Write() ── server
//
// A peer's system acknowledges what its program has read: there is no buffer in between.
#ifndef POLYSERVE_TESTS_SIMULATION_STREAM_H_
#define POLYSERVE_TESTS_SIMULATION_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/simulation/progress_judge.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

// What a peer learns of the server's side.
class StreamPeer {
 public:
  virtual ~StreamPeer() = default;
  // There is something to acknowledge, or the server sends no more.
  virtual void OnOutput() = 0;
  // The server's system has broken off the connection.
  virtual void OnReset() = 0;
  // The server has closed its descriptor. Checks that this was right.
  virtual void OnClose() = 0;
};

struct Stream;

// A peer that the server itself connects to.
class DialedPeer : public StreamPeer {
 public:
  // connect(2), for the first time: 0 if the connection is there at once, EINPROGRESS if Kernel::FinishConnecting()
  // says later what became of it, or an error.
  virtual int OnConnect(std::shared_ptr<Stream> stream) = 0;
};

struct Stream : std::enable_shared_from_this<Stream> {
  Stream(int number, size_t receive_buffer, size_t send_buffer, const Limits& limits)
      : number(number), receive_buffer(receive_buffer), send_buffer(send_buffer), judge(limits) {}

  size_t arrived_bytes() const { return arrived.size() - arrived_begin; }
  size_t room() const { return send_buffer - unacknowledged_bytes(); }
  size_t unacknowledged_bytes() const { return unacknowledged.size() - unacknowledged_begin; }
  // As Linux sees it: a third of the buffer is free.
  bool is_writable() const { return is_reset || is_shut_down || 3 * room() >= send_buffer; }
  // Moves bytes out of the two buffers.
  std::string TakeArrived(size_t most) { return Take(arrived, arrived_begin, most); }
  std::string TakeUnacknowledged(size_t most) { return Take(unacknowledged, unacknowledged_begin, most); }

  // Of a socket that the server connects. That of a client is kConnected from the beginning.
  enum class Dialing : uint8_t { kNot, kUnderWay, kConnected, kFailed };
  bool is_connected() const { return dialing == Dialing::kConnected; }

  const int number;  // The client's.
  const size_t receive_buffer;
  const size_t send_buffer;
  StreamPeer* peer = nullptr;
  int fd = -1;  // The server's, once it was accepted.
  Dialing dialing = Dialing::kConnected;
  int dial_error = 0;          // Of a connect(2) that has failed, until the server is told.
  bool knows_outcome = false;  // The server has been told by connect(2): then that says EISCONN.

  // What the peer has sent.
  std::string arrived;  // The bytes behind arrived_begin are not read yet.
  size_t arrived_begin = 0;
  int64_t arrived_total = 0;
  bool end_has_arrived = false;
  bool is_reset = false;         // By either side.
  bool has_error = false;        // The server has not been told of the reset.
  bool end_was_read = false;     // The server knows of the peer's end, or of the reset.
  Time read_timeout = kNever;    // SO_RCVTIMEO
  Time write_timeout = kNever;   // SO_SNDTIMEO
  bool resets_on_close = false;  // SO_LINGER
  bool is_nonblocking = false;

  // What the server has sent.
  std::string unacknowledged;
  size_t unacknowledged_begin = 0;
  int64_t written_total = 0;
  int64_t acknowledged_total = 0;
  int loans = 0;          // Of sends without a copy: the server's driver does not take them for done yet.
  bool was_full = false;  // SOCK_NOSPACE: an event is due once there is room.
  bool is_shut_down = false;
  Time shut_down_at = kNever;
  bool is_closed = false;

  ProgressJudge judge;

 private:
  static std::string Take(std::string& buffer, size_t& begin, size_t most) {
    std::string taken = buffer.substr(begin, most);
    begin += taken.size();
    if (begin == buffer.size()) {
      buffer.clear();
      begin = 0;
    }
    return taken;
  }
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_STREAM_H_
