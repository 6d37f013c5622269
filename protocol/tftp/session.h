// tftp: the file library by TFTP (RFC 1350), with the options blksize, timeout, tsize (RFC 2347, 2348, 2349) and
// windowsize (RFC 7440); modes octet and netascii. Datagrams only. One transfer after the other; the names are those of
// the library, and may begin with '/'. Block numbers wrap from 65535 to 0, so that size has no bound.
//
// A packet that is lost is sent again by a timer, at intervals that double. An acknowledgement that comes twice is
// not answered: else each of two that cross would double all that follows (the sorcerer's apprentice, RFC 1123,
// section 4.2.3.1). Windows of several blocks are the exception (RFC 7440, section 4): there a repeated acknowledgement
// says that the window's first block is missing, and the window is sent again at once. The copy may make the peer
// repeat its next acknowledgement as well, so that one is left to the timer, which ends the chain.
//
// An upload takes its name when it is whole, before its last block is acknowledged; a peer that did not hear that is
// told again for a while. In a window, only the block that ends it is acknowledged a second time.
//
// A new request ends the transfer before it: the peer has started again. The same request a second time may also be a
// copy that the network made, so it is looked at after kCopyInterval: if the peer has gone on with the transfer, it was
// one; if the peer has never answered, our packet was lost and is sent again; else the transfer begins anew.
//
// Refusals: 1 not found, 2 not allowed (a bad name, a read-only library), 3 too large, or no space left, 4 not
// understood, 5 no such transfer, 8 an option that makes no sense.
// Bound: a window (TftpTerms) in the output of one call; nothing of the file is held.
#ifndef POLYSERVE_PROTOCOL_TFTP_SESSION_H_
#define POLYSERVE_PROTOCOL_TFTP_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "protocol/session.h"
#include "protocol/tftp/netascii.h"
#include "protocol/tftp/options.h"
#include "protocol/tftp/packet.h"
#include "protocol/tftp/source.h"

namespace polyserve {

class TftpSession : public Session {
 public:
  // Of a request (RFC 2347, section 3).
  static constexpr size_t kMaxRequestBytes = 512;
  // How often a packet is sent again before the peer is given up. Fewer as long as it has not answered at all: the
  // request may have been somebody else's, in its name.
  static constexpr int kMaxRepeats = 6;
  static constexpr int kMaxRepeatsUnheard = 3;
  static constexpr absl::Duration kLongestInterval = absl::Seconds(16);
  // As long as the peer has not answered, whatever interval the request asks for: a forged one must not keep a place
  // for minutes.
  static constexpr absl::Duration kIntervalUnheard = absl::Seconds(1);
  // How long the copy of a request may come before the next packet of the transfer that it began.
  static constexpr absl::Duration kCopyInterval = absl::Milliseconds(100);
  // How long the end of an upload is remembered, for a peer that has not heard the last acknowledgement: common clients
  // wait 5 seconds before they ask again.
  static constexpr absl::Duration kRemembersEnd = absl::Seconds(6);

  explicit TftpSession(std::shared_ptr<const Library> library);
  ~TftpSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnTime(Output& output) override;
  bool idle() const override { return state_ == State::kAwaitsRequest || state_ == State::kReceived; }
  bool is_stateless() const override { return state_ == State::kAwaitsRequest; }
  bool is_verified() const override { return heard_; }

 private:
  enum class State {
    kAwaitsRequest,
    kSending,
    kReceiving,
    kStoring,   // All has come; other uploads take their names in the directory.
    kReceived,  // The last acknowledgement may not have arrived.
  };

  void OnRequest(absl::string_view packet, Output& output);
  void StartTransfer(Output& output);
  void OnRequestAgain(Output& output);
  void StartSending(const TftpRequest& request, Output& output);
  void StartReceiving(const TftpRequest& request, Output& output);

  void OnAck(uint16_t number, Output& output);
  void OnAckAgain(Output& output);
  void SendWindow(Output& output);

  void OnData(uint16_t number, absl::string_view bytes, Output& output);
  void TakeBlock(absl::string_view bytes, Output& output);
  void StoreUpload(Output& output);
  void Acknowledge(Output& output);

  void Reply(std::string packet, Output& output);
  void Hear();
  void AwaitAnswer(Output& output);
  void Refuse(TftpError code, absl::string_view text, Output& output);
  void EndTransfer();
  void End(Output& output);

  const std::shared_ptr<const Library> library_;
  State state_ = State::kAwaitsRequest;
  TftpTerms terms_;
  std::string request_;          // The one that began the transfer; at most kMaxRequestBytes.
  bool is_asked_again_ = false;  // By the same request, and has not heard from the old transfer since.
  int repeats_ = 0;              // Of what was sent last.
  bool heard_ = false;           // The peer has answered something.
  std::string reply_;            // What was sent last, if it is no data.
  // Blocks are counted from 1 and do not wrap.
  int64_t acknowledged_ = 0;  // The last one that both sides know to have arrived,
  int64_t last_ = 0;          // that was sent, or that was received.
  bool awaits_options_ack_ = false;
  bool may_answer_ack_again_ = true;  // A repeated acknowledgement is not the echo of a window sent twice.
  bool sent_window_again_ = false;    // For a repeated acknowledgement.
  std::unique_ptr<TftpSource> source_;
  std::unique_ptr<Upload> upload_;
  int64_t upload_bytes_ = 0;
  int store_tries_ = 0;
  NetasciiDecoder decoder_;
  bool is_netascii_ = false;
  bool told_of_gap_ = false;  // That a block is missing, and which.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_SESSION_H_
