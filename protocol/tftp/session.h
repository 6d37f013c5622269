// tftp: the file library over TFTP (RFC 1350), with the options blksize, timeout, tsize (RFC 2347, 2348, 2349) and
// windowsize (RFC 7440), and the modes octet and netascii. Datagrams only. A session carries one transfer at a time.
// Names are those of the library, with or without a leading '/'. Block numbers wrap from 65535 to 0, so that files of
// any size can be sent.
//
//                    read request       last block acknowledged, or an error
//                  ┌─(kFetching)─▶ kSending ───────────────────────────────────────────┐
//   kAwaitsRequest ┤                                                                   ├─▶ the conversation ends
//                  └─────────────▶ kReceiving ──▶ kStoring ──▶ kReceived ──────────────┘
//                    write request        all blocks     named, acknowledged   kRemembersEnd later
//
// Loss. A timer sends a lost packet again, at intervals that double. A duplicate acknowledgement is not answered:
// otherwise two packets that cross would double everything after them (the sorcerer's apprentice syndrome, RFC 1123,
// section 4.2.3.1). Windows of several blocks are the exception (RFC 7440, section 4): there a repeated acknowledgement
// means that the window's first block is missing, and the window is sent again at once. That copy may make the peer
// repeat its next acknowledgement as well; this one is left to the timer, which ends the chain.
//
// Uploads. A file gets its name when it is complete, before its last block is acknowledged. If that acknowledgement is
// lost, it is repeated for kRemembersEnd. In a window, only the block that ends it is acknowledged a second time.
//
// Repeated requests. A new request ends the current transfer: the peer has started again. An identical request may be a
// copy made by the network, so the session decides kCopyInterval later: if the peer has continued the transfer, it was
// a copy; if the peer has never answered, our packet was lost and is sent again; otherwise the transfer starts again.
//
// Fetches. A file that another server has (protocol/file_fetch.h) is fetched first, and looked for at growing
// intervals: datagrams have no questions. Meanwhile the client repeats its request, or gives up, and finds the file
// later.
//
// Refusals (TftpError): 1 not found, 2 not allowed (a bad name, no uploads), 3 too large or no space left, 4 not
// understood, 5 no such transfer, 6 a file of this name exists, 8 an option that makes no sense. Bound: one window
// (TftpTerms) in the output of a call; nothing of the file is held.
#ifndef POLYSERVE_PROTOCOL_TFTP_SESSION_H_
#define POLYSERVE_PROTOCOL_TFTP_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "files/library.h"
#include "protocol/file_fetch.h"
#include "protocol/session.h"
#include "protocol/tftp/netascii.h"
#include "protocol/tftp/options.h"
#include "protocol/tftp/packet.h"
#include "protocol/tftp/source.h"

namespace polyserve {

// Which uploads are accepted. The protocol has no authentication, so everyone who reaches the port has the same rights.
enum class TftpWrites {
  kNone,  // None.
  kNew,   // Those under a name that is free: no client can replace a file that another one boots from.
  kAll,   // Those that replace a file as well.
};

class TftpSession : public Session {
 public:
  // The longest request that the protocol allows, options included: RFC 2347, section 3.
  static constexpr size_t kMaxRequestBytes = 512;
  // How often a packet is repeated before the session gives up. Less often while the peer has not answered at all: the
  // request may have been forged, and its address belong to a bystander.
  static constexpr int kMaxRepeats = 6;
  static constexpr int kMaxRepeatsUnheard = 3;
  // The interval doubles up to this, unless the request asks for a longer one.
  static constexpr absl::Duration kLongestInterval = absl::Seconds(16);
  // The longest interval while the peer has not answered, whatever the request asks for: a forged one must not occupy
  // the table of peers for minutes.
  static constexpr absl::Duration kIntervalUnheard = absl::Seconds(1);
  // How much earlier than the next packet of the transfer a copy of its request may arrive.
  static constexpr absl::Duration kCopyInterval = absl::Milliseconds(100);
  // How long a finished upload is remembered, in case its last acknowledgement was lost: common clients wait 5 seconds
  // before they repeat the block.
  static constexpr absl::Duration kRemembersEnd = absl::Seconds(6);

  // How often it is looked whether a file has been fetched, and for how long: by then, clients have given up.
  static constexpr absl::Duration kFirstLook = absl::Milliseconds(10);
  static constexpr absl::Duration kLongestLook = absl::Milliseconds(640);
  static constexpr int kMaxLooks = 200;

  // Sessions share the library, from any number of threads.
  // `fetcher` may be null: then nothing is fetched. So may `access`. If not, a client may do what everyone may: the
  // protocol has no passwords.
  TftpSession(std::shared_ptr<const Library> library, TftpWrites writes, std::shared_ptr<const Access> access = nullptr,
              std::shared_ptr<const FileFetcher> fetcher = nullptr);
  ~TftpSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnTime(Output& output) override;
  bool idle() const override { return state_ == State::kAwaitsRequest || state_ == State::kReceived; }
  bool is_stateless() const override { return state_ == State::kAwaitsRequest; }
  bool is_verified() const override { return heard_; }
  // An error, since the transfer is another peer's; none to what is an error itself, or no packet of TFTP.
  std::string ReplyToStray(absl::string_view packet) const override;

 private:
  enum class State {
    kAwaitsRequest,
    kFetching,  // The file that is asked for; see above.
    kSending,
    kReceiving,
    kStoring,   // All blocks have arrived; another upload holds the directory's lock. See store_upload.h.
    kReceived,  // The file is stored; the last acknowledgement may have been lost.
  };

  // A request begins a transfer, or may be a copy of the one that began it.
  void OnRequest(absl::string_view packet, Output& output);
  void OnRequestAgain(Output& output);
  // Starts the transfer of request_, in place of the current one.
  void StartTransfer(Output& output);
  void StartSending(const TftpRequest& request, Output& output);
  void LookForFetch(Output& output);
  void SendFile(absl::StatusOr<Library::File> file, Output& output);
  void StartReceiving(const TftpRequest& request, Output& output);

  // Downloads. Each acknowledgement opens the next window; blocks that it leaves out are sent again.
  void OnAck(uint16_t number, Output& output);
  void OnAckAgain(Output& output);
  void SendWindow(Output& output);

  // Uploads. Only the next block is stored; a gap is reported once.
  void OnData(uint16_t number, absl::string_view bytes, Output& output);
  void TakeBlock(absl::string_view bytes, Output& output);
  // Gives the file its name, or tries again later if another upload holds the directory.
  void StoreUpload(Output& output);
  // What has to hold when the file takes its name; null: nothing.
  Upload::Condition StoreCondition() const;
  void RefuseUpload(const absl::Status& error, Output& output);
  void Acknowledge(Output& output);

  // Sends a packet that the timer repeats until the peer answers.
  void Reply(std::string packet, Output& output);
  // The peer has answered: it is verified, and the repeats start from zero.
  void Hear();
  // Sets the timer for the next repeat.
  void AwaitAnswer(Output& output);
  // Sends an error and ends; errors are never repeated.
  void Refuse(TftpError code, absl::string_view text, Output& output);
  // Drops the file or the unfinished upload, and awaits a request.
  void EndTransfer();
  // The same, and ends the conversation.
  void End(Output& output);

  const std::shared_ptr<const Library> library_;
  const TftpWrites writes_;
  const std::shared_ptr<const Access> access_;
  State state_ = State::kAwaitsRequest;
  std::unique_ptr<FileFetch> fetch_;     // Null if nothing is fetched.
  std::unique_ptr<PolledFetch> polled_;  // While kFetching.
  int looks_ = 0;                        // For it.
  TftpTerms terms_;
  std::string request_;          // That began the transfer; at most kMaxRequestBytes.
  bool is_asked_again_ = false;  // The same request has come again, and nothing of the transfer since.
  int repeats_ = 0;              // Of the packet or window sent last.
  bool heard_ = false;           // The peer has answered, so it owns its address.
  std::string reply_;            // The packet sent last, unless it was data.
  // Block numbers count from 1 and do not wrap here; only packets hold 16 bits of them.
  int64_t acknowledged_ = 0;  // The last block acknowledged,
  int64_t last_ = 0;          // and the last one sent or received.
  bool awaits_options_ack_ = false;
  bool may_answer_ack_again_ = true;  // A repeated acknowledgement cannot be the echo of a window sent twice.
  bool sent_window_again_ = false;    // To answer a repeated acknowledgement.
  std::unique_ptr<TftpSource> source_;
  std::unique_ptr<Upload> upload_;
  int64_t upload_bytes_ = 0;
  int store_tries_ = 0;
  NetasciiDecoder decoder_;
  bool is_netascii_ = false;
  bool told_of_gap_ = false;  // The missing block was reported, by an early acknowledgement.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_SESSION_H_
