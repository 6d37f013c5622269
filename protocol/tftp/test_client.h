// TftpTestTransfer: a TFTP client for tests, free of I/O like the session, and a simulated network between the two that
// loses, duplicates and reorders packets. Time is simulated as well: timers expire when no packet is under way.
//
//   client ── Send(): lost, doubled or late ──▶ to_session_ ──▶ Show() ──▶ session
//   client ◀── OnPacket() ◀── to_client_ ◀── Send(): lost, doubled or late ◀── TakeOver()
//
// The client is simple on purpose: it acknowledges every stray block, which makes the duplicates that the session must
// survive.
#ifndef POLYSERVE_PROTOCOL_TFTP_TEST_CLIENT_H_
#define POLYSERVE_PROTOCOL_TFTP_TEST_CLIENT_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tftp/packet.h"

namespace polyserve {

// An RRQ or WRQ, with the mode and the options as given, valid or not.
std::string TftpRequestPacket(bool is_write, absl::string_view name, absl::string_view mode,
                              const TftpOptions& options);

// The faults of the network: shares of all packets, 0 to 1, in both directions. The same seed gives the same faults.
struct TftpFaults {
  double lost = 0;
  double doubled = 0;
  double late = 0;  // Overtaken by the next packet.
  unsigned seed = 1;
};

// One transfer, from the request until neither side has anything more to send.
//
//   TftpTestTransfer transfer(session, {.lost = 0.1});
//   EXPECT_EQ(transfer.Get("a"), "hello");
class TftpTestTransfer {
 public:
  TftpTestTransfer(Session& session, const TftpFaults& faults)
      : session_(session), faults_(faults), dice_(faults.seed) {}

  // Downloads a file and returns it; nothing if the transfer failed. Call Get() or Put(), once. Neither waits:
  // simulated time costs none. A transfer that goes round in circles fails after some thousand rounds.
  std::optional<std::string> Get(absl::string_view name, absl::string_view mode = "octet",
                                 const TftpOptions& options = {});
  // Uploads a file. True if the session has acknowledged its last block.
  bool Put(absl::string_view name, absl::string_view bytes, absl::string_view mode = "octet",
           const TftpOptions& options = {});

  const TftpOptions& accepted() const { return accepted_; }  // The options that the server acknowledged.
  uint16_t error() const { return error_; }                  // The code of the refusal; 65535 if there was none.
  int packets_sent() const { return packets_; }              // By the session.
  bool was_closed() const { return closed_; }

 private:
  using Queue = std::deque<std::string>;

  // Delivers packets until both sides are done, fail, or stay silent for too many rounds.
  void Run();
  // Passes a packet to the session.
  void Show(const std::string& packet);
  // Puts the session's output on the network.
  void TakeOver();
  // Nothing is under way: both sides' timers expire.
  void OnTime();

  // The client's side.
  void OnPacket(const std::string& packet);
  void OnOptions(absl::string_view packet);
  void OnData(uint16_t number, absl::string_view bytes);
  void SendBlocks();

  // The network: appends the packet to the queue, with the faults.
  void Send(std::string packet, Queue& queue);
  // True with this probability, from 0 to 1.
  bool Roll(double chance) { return std::uniform_real_distribution<>(0, 1)(dice_) < chance; }

  Session& session_;
  const TftpFaults faults_;
  std::mt19937 dice_;
  Output output_{Output::Kind::kDatagrams};
  Queue to_session_;
  Queue to_client_;
  bool closed_ = false;
  bool awaits_time_ = false;
  int packets_ = 0;

  std::string request_;  // Repeated until something arrives.
  bool is_write_ = false;
  size_t block_bytes_ = 512;
  int64_t window_ = 1;
  TftpOptions accepted_;
  uint16_t error_ = 65535;
  bool done_ = false;
  int64_t last_ = 0;          // The last block that was received, or acknowledged.
  int64_t acknowledged_ = 0;  // By this side.
  bool started_ = false;
  std::string bytes_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_TEST_CLIENT_H_
