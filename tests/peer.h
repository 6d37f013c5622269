// Peer: the other end of a connection, blocking and plain, which can also misbehave: send anything, stop in the middle,
// not read, or break off. Not the client of client/: that one keeps to the protocol. One thread at a time.
//
//   Peer peer(server.address("file"));
//   peer.Send("S a\n");
//   EXPECT_EQ(peer.ReadLine(), "OK 5 1700000000\n");
//
// A call gives up when nothing has moved for kPatience. Reads then return what came so far, so that an expectation on
// the bytes says it all.
#ifndef POLYSERVE_TESTS_PEER_H_
#define POLYSERVE_TESTS_PEER_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

class Peer {
 public:
  // Connects to "HOST:PORT". If that fails, so does everything below.
  explicit Peer(const std::string& address);
  // The same with this small a receive buffer (SO_RCVBUF, bytes), out of which little is read at once: the kernel takes
  // little more from the server than what is asked for below.
  Peer(const std::string& address, int receive_buffer);
  // Gives it a buffer of the usual size again.
  void EnlargeBuffer();

  bool connected() const { return fd_.ok(); }
  // The connection was refused: no server listens at the address. False also if there was no answer at all.
  bool was_refused() const { return was_refused_; }

  // False if the server does not take all of it.
  bool Send(absl::string_view bytes);
  // Sends the bytes again and again until the server has taken none for a while, or `max_bytes` in all: for a server
  // that must stop reading when its output is not read.
  void SendUntilStuck(absl::string_view bytes, size_t max_bytes);

  // Returns `count` bytes; fewer if the server ends the connection first.
  std::string Read(size_t count);
  // Returns a line with its end.
  std::string ReadLine();
  // Returns all that comes until the server ends the connection; the end is checked by was_closed().
  std::string ReadToEnd();
  // Discards what comes until the server ends the connection. False if it does not.
  bool AwaitClose();

  // What a read has met so far: the end of the server's side, or a reset.
  bool was_closed() const { return was_closed_; }
  bool was_reset() const { return was_reset_; }

  // Sends no more; what the server sends can still be read.
  void HalfClose();
  // Breaks off with a reset instead of an orderly end (SO_LINGER of 0, socket(7)).
  void Reset();
  // Is gone without a word, as if its system had crashed: neither an end nor a reset is sent. False if this process may
  // not do that; then nothing has happened.
  bool Vanish();

 private:
  void Adopt(absl::StatusOr<UniqueFd> fd);
  bool Fill();  // Reads more into the buffer; false if nothing more comes.
  std::string Take(size_t count);

  static constexpr size_t kMostPerRead = 64 * 1024;
  static constexpr size_t kLeastPerRead = 256;

  UniqueFd fd_;
  size_t most_per_read_ = kMostPerRead;
  std::string buffer_;  // Received, but not yet returned.
  bool was_refused_ = false;
  bool was_closed_ = false;
  bool was_reset_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PEER_H_
