// tftp: the file library by TFTP (RFC 1350), with the options blksize, timeout, tsize (RFC 2347, 2348, 2349) and
// windowsize (RFC 7440); modes octet and netascii. Datagrams only. One transfer after the other; the names are those of
// the library, and may begin with '/'. Block numbers wrap from 65535 to 0, so that size has no bound.
//
// A packet that is lost is sent again by a timer alone, at intervals that double. An acknowledgement that comes twice
// is never answered: else each of two that cross would double all that follows (the sorcerer's apprentice, RFC 1123,
// section 4.2.3.1). An upload takes its name when it is whole, before its last block is acknowledged; whoever did not
// hear that is told again for a while.
//
// Refusals: 1 not found, 2 not allowed (a bad name, a read-only library), 3 too large, or no space left, 4 not
// understood, 5 no such transfer, 8 an option that makes no sense.
// Bound: a window (TftpTerms) in the output of one call; nothing of the file is held.
#ifndef POLYSERVE_PROTOCOL_TFTP_H_
#define POLYSERVE_PROTOCOL_TFTP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "protocol/session.h"
#include "protocol/tftp_packet.h"
#include "protocol/tftp_source.h"
#include "protocol/tftp_terms.h"
#include "protocol/tftp_text.h"

namespace polyserve {

class TftpSession : public Session {
 public:
  // How often a packet is sent again before the peer is given up. Fewer as long as it has not answered at all: the
  // request may have been somebody else's, in its name.
  static constexpr int kMaxRepeats = 6;
  static constexpr int kMaxRepeatsUnheard = 3;
  static constexpr absl::Duration kLongestInterval = absl::Seconds(16);
  // How long the end of an upload is remembered, for a peer that has not heard the last acknowledgement: common clients
  // wait 5 seconds before they ask again.
  static constexpr absl::Duration kRemembersEnd = absl::Seconds(6);

  explicit TftpSession(std::shared_ptr<const Library> library);
  ~TftpSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnTime(Output& output) override;
  bool idle() const override { return state_ != State::kSending && state_ != State::kReceiving; }
  bool is_blank() const override { return state_ == State::kAwaitsRequest; }

 private:
  enum class State {
    kAwaitsRequest,
    kSending,
    kReceiving,
    kReceived,  // The last acknowledgement may not have arrived.
  };

  void OnRequest(absl::string_view packet, Output& output);
  void StartSending(const TftpRequest& request, Output& output);
  void StartReceiving(const TftpRequest& request, Output& output);

  void OnAck(uint16_t number, Output& output);
  void SendWindow(Output& output);

  void OnData(uint16_t number, absl::string_view bytes, Output& output);
  void TakeBlock(absl::string_view bytes, Output& output);
  void Acknowledge(Output& output);

  void Reply(std::string packet, Output& output);
  void AwaitAnswer(Output& output);
  void Refuse(TftpError code, absl::string_view text, Output& output);
  void End(Output& output);

  const std::shared_ptr<const Library> library_;
  State state_ = State::kAwaitsRequest;
  TftpTerms terms_;
  int repeats_ = 0;     // Of what was sent last.
  bool heard_ = false;  // The peer has answered something.
  std::string reply_;   // What was sent last, where it is no data.
  // Blocks are counted from 1 and do not wrap.
  int64_t acknowledged_ = 0;  // The last one that both sides know to have arrived,
  int64_t last_ = 0;          // that was sent, or that was received.
  bool awaits_options_ack_ = false;
  std::unique_ptr<TftpSource> source_;
  std::unique_ptr<Upload> upload_;
  int64_t upload_bytes_ = 0;
  NetasciiDecoder decoder_;
  bool is_netascii_ = false;
  bool told_of_gap_ = false;  // That a block is missing, and which.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_H_
