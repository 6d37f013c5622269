#include "protocol/tftp/session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/strip.h"
#include "access/auth_file.h"
#include "protocol/store_upload.h"

namespace polyserve {

namespace {

// Without the '/' in front that many clients send: a name begins at the root of the library either way.
absl::string_view LibraryName(absl::string_view name) {
  while (absl::ConsumePrefix(&name, "/")) {
  }
  return name;
}

}  // namespace

TftpSession::TftpSession(std::shared_ptr<const Library> library, TftpWrites writes,
                         std::shared_ptr<const Access> access, std::shared_ptr<const FileFetcher> fetcher)
    : library_(std::move(library)),
      writes_(writes),
      access_(std::move(access)),
      fetch_(fetcher != nullptr ? std::make_unique<FileFetch>(std::move(fetcher)) : nullptr) {}
TftpSession::~TftpSession() = default;

// A packet that belongs to no transfer is answered with an error only while the session has none (RFC 1350, section 4,
// wants that for a wrong port). Within a transfer a packet that does not fit is a late copy, and ignored.
void TftpSession::OnInput(Input& input, Output& output) {
  const absl::string_view packet = input.bytes();
  input.ConsumeAll();
  const std::optional<TftpOpcode> opcode = TftpOpcodeOf(packet);
  const std::optional<uint16_t> block = TftpBlockOf(packet);
  if (opcode == TftpOpcode::kRead || opcode == TftpOpcode::kWrite) {
    OnRequest(packet, output);
  } else if (opcode == TftpOpcode::kError) {
    End(output);  // An error is never answered (RFC 1350, section 7).
  } else if (opcode == TftpOpcode::kAck && block.has_value() && state_ == State::kSending) {
    OnAck(*block, output);
  } else if (opcode == TftpOpcode::kData && block.has_value() &&
             (state_ == State::kReceiving || state_ == State::kReceived)) {
    OnData(*block, TftpDataOf(packet), output);
  } else if (state_ == State::kAwaitsRequest) {
    const bool belongs_to_transfer = opcode == TftpOpcode::kAck || opcode == TftpOpcode::kData;
    Refuse(belongs_to_transfer ? TftpError::kUnknownTransfer : TftpError::kIllegal, "there is no such transfer",
           output);
  }
}

// RFC 1350, section 4; an error is never answered (section 7).
std::string TftpSession::ReplyToStray(absl::string_view packet) const {
  const std::optional<TftpOpcode> opcode = TftpOpcodeOf(packet);
  if (!opcode.has_value() || opcode == TftpOpcode::kError) return "";
  return TftpErrorPacket(TftpError::kUnknownTransfer, "this is the port of another transfer");
}

// Compared byte by byte: clients repeat a request as it was. The answer to a copy waits for the timer, which tells a
// copy that the network made from a client that has started again; see the header. Once the transfer is over (idle()),
// the same bytes are a new request.
void TftpSession::OnRequest(absl::string_view packet, Output& output) {
  if (packet.size() > kMaxRequestBytes) return Refuse(TftpError::kIllegal, "the request is too long", output);
  if (!idle() && packet == request_) return OnRequestAgain(output);
  request_ = std::string(packet);
  StartTransfer(output);
}

void TftpSession::OnRequestAgain(Output& output) {
  is_asked_again_ = true;
  output.SetTimer(kCopyInterval);
}

// The state of the transfer before is reset in one place, whichever way that one has ended. Nothing was heard from this
// peer yet as far as the new transfer goes: its request may be forged even if the one before was not.
void TftpSession::StartTransfer(Output& output) {
  EndTransfer();
  const absl::StatusOr<TftpRequest> request = ParseTftpRequest(request_);
  if (!request.ok()) {
    const bool is_option = absl::IsFailedPrecondition(request.status());
    return Refuse(is_option ? TftpError::kOptions : TftpError::kIllegal, request.status().message(), output);
  }
  const absl::StatusOr<TftpTerms> terms = ReadTftpTerms(*request);
  if (!terms.ok()) return Refuse(TftpError::kOptions, terms.status().message(), output);
  const Right right = request->is_write ? Right::kWrite : Right::kRead;
  if (!MayEveryone(access_.get(), right, LibraryName(request->name))) {
    return Refuse(TftpError::kAccess, "this needs a password, and TFTP has none", output);
  }
  // Nothing of an earlier transfer may be left: a client may send its next request from the same port.
  terms_ = *terms;
  is_netascii_ = request->is_netascii;
  repeats_ = 0;
  heard_ = false;
  is_asked_again_ = false;
  may_answer_ack_again_ = true;
  sent_window_again_ = false;
  acknowledged_ = 0;
  last_ = 0;
  request->is_write ? StartReceiving(*request, output) : StartSending(*request, output);
}

void TftpSession::StartSending(const TftpRequest& request, Output& output) {
  const absl::string_view name = LibraryName(request.name);
  absl::StatusOr<Library::File> file = library_->Find(name);
  if (fetch_ != nullptr) polled_ = fetch_->Begin(name, file);
  if (polled_ == nullptr) return SendFile(std::move(file), output);
  state_ = State::kFetching;
  looks_ = 0;
  LookForFetch(output);
}

// The request is the one that StartTransfer() has accepted.
void TftpSession::LookForFetch(Output& output) {
  const std::optional<FetchAnswer> answer = polled_->Poll();
  if (!answer.has_value() && ++looks_ < kMaxLooks) {
    return output.SetTimer(std::min(kFirstLook * looks_, kLongestLook));
  }
  const absl::StatusOr<TftpRequest> request = ParseTftpRequest(request_);
  absl::StatusOr<Library::File> file = library_->Find(LibraryName(request->name));
  FileFetch::Apply(answer.value_or(FetchAnswer{504, "the file does not come in time"}), file);
  polled_ = nullptr;
  if (file.ok() && file->is_directory) file = absl::PermissionDeniedError("the name is a directory's");
  SendFile(std::move(file), output);
}

// With options the first packet is an OACK, and data follows when the peer has acknowledged it as block 0 (RFC 2347);
// without any, the data itself is the answer (RFC 1350).
void TftpSession::SendFile(absl::StatusOr<Library::File> file, Output& output) {
  if (!file.ok()) return Refuse(TftpErrorOf(file.status()), file.status().message(), output);
  // The size in netascii is known only after reading the whole file.
  const std::optional<int64_t> size = is_netascii_ ? std::nullopt : std::optional<int64_t>(file->size);
  source_ = std::make_unique<TftpSource>(*std::move(file), is_netascii_, terms_.block_bytes);
  state_ = State::kSending;
  const TftpOptions options = AcceptedTftpOptions(terms_, size);
  awaits_options_ack_ = !options.empty();
  if (!awaits_options_ack_) return SendWindow(output);
  Reply(TftpOptionsAck(options), output);
}

// Here ACK 0 or an OACK is the answer, and the first DATA of the peer acknowledges it. A size that the client announces
// (tsize) is checked against the limits now; without it, nothing is known until the blocks come. A name that is taken
// is refused now as well, so that the client is spared the transfer.
void TftpSession::StartReceiving(const TftpRequest& request, Output& output) {
  if (writes_ == TftpWrites::kNone) return Refuse(TftpError::kAccess, "no uploads are accepted by TFTP", output);
  absl::StatusOr<std::unique_ptr<Upload>> upload =
      library_->StartUpload(LibraryName(request.name), terms_.announced_bytes.value_or(0));
  if (!upload.ok()) return RefuseUpload(upload.status(), output);
  if (absl::Status status = (*upload)->Check(StoreCondition()); !status.ok()) return RefuseUpload(status, output);
  upload_ = *std::move(upload);
  upload_bytes_ = 0;
  decoder_ = NetasciiDecoder();
  told_of_gap_ = false;
  store_tries_ = 0;
  state_ = State::kReceiving;
  const TftpOptions options = AcceptedTftpOptions(terms_, std::nullopt);
  Reply(options.empty() ? TftpAck(0) : TftpOptionsAck(options), output);
}

// The next window begins behind the acknowledged block: if it was not the last one of the window, the others are lost,
// and are sent again (RFC 7440, section 4).
void TftpSession::OnAck(uint16_t number, Output& output) {
  if (awaits_options_ack_) {
    if (number != 0) return;
    awaits_options_ack_ = false;
  } else {
    // Modulo 2^16, so that the comparison holds across the wrap: at most kMaxWindow blocks are in flight.
    const int64_t newly = static_cast<uint16_t>(number - static_cast<uint16_t>(acknowledged_));
    if (newly == 0) return OnAckAgain(output);
    if (newly > last_ - acknowledged_) return;  // An old one that was delayed. Not answered: see sorcerer's apprentice.
    acknowledged_ += newly;
    // The peer has moved on. If its window was sent twice, it may repeat this acknowledgement for the second copy; that
    // one is not answered.
    may_answer_ack_again_ = !std::exchange(sent_window_again_, false);
  }
  Hear();
  if (source_->last_block() > 0 && acknowledged_ == source_->last_block()) return End(output);
  source_->ForgetBefore(acknowledged_ + 1);
  SendWindow(output);
}

// Either the first block of the window is missing, or the network has duplicated the acknowledgement. The two cannot be
// distinguished, so the window is sent again, but never twice in a row.
void TftpSession::OnAckAgain(Output& output) {
  if (terms_.window == 1 || !may_answer_ack_again_ || sent_window_again_) return;
  sent_window_again_ = true;
  SendWindow(output);
}

// Goes back to the first block that is not acknowledged: a repeat sends the whole window (go-back-N).
void TftpSession::SendWindow(Output& output) {
  last_ = acknowledged_;
  for (int64_t i = 0; i < terms_.window && (last_ == 0 || last_ != source_->last_block()); ++i) {
    const absl::StatusOr<std::string> bytes = source_->Read(++last_);
    // Blocks that were appended before are still sent: they are of no use to the peer, but do no harm.
    if (!bytes.ok()) return Refuse(TftpError::kOther, bytes.status().message(), output);
    output.Write(TftpData(static_cast<uint16_t>(last_), *bytes));
  }
  AwaitAnswer(output);
}

// How far the block is ahead of the one that is due, modulo 2^16 and signed: 0 is due, -1 is the one before, above 0
// there is a gap. All others are old copies, and answering those would start the sorcerer's apprentice.
void TftpSession::OnData(uint16_t number, absl::string_view bytes, Output& output) {
  const int16_t ahead = static_cast<int16_t>(number - static_cast<uint16_t>(last_ + 1));
  if (ahead == 0 && state_ == State::kReceiving) return TakeBlock(bytes, output);
  if (ahead == -1 && last_ == acknowledged_) {
    output.Write(reply_);  // The peer has repeated a block, so our acknowledgement of it was lost.
  } else if (ahead > 0 && state_ == State::kReceiving && !told_of_gap_) {
    told_of_gap_ = true;  // Once: an answer to each block behind the gap would request the window as many times.
    Acknowledge(output);
  }
}

// A block that is shorter than all others ends the file, even an empty one (RFC 1350, section 6). If the size of the
// file is a multiple of the block's, an empty one follows: else the peer could not tell the end.
void TftpSession::TakeBlock(absl::string_view bytes, Output& output) {
  const bool is_last = bytes.size() < terms_.block_bytes;
  if (bytes.size() > terms_.block_bytes) return Refuse(TftpError::kIllegal, "the block is too long", output);
  const std::string decoded = is_netascii_ ? decoder_.Decode(bytes, is_last) : std::string(bytes);
  upload_bytes_ += static_cast<int64_t>(decoded.size());
  const absl::Status status = upload_bytes_ <= library_->options().max_file_bytes
                                  ? upload_->Append(decoded)
                                  : absl::OutOfRangeError("the file is too large");
  if (!status.ok()) return RefuseUpload(status, output);
  ++last_;
  Hear();
  told_of_gap_ = false;
  if (is_last) return StoreUpload(output);
  if (last_ - acknowledged_ >= terms_.window) return Acknowledge(output);
  AwaitAnswer(output);
}

// The last acknowledgement means that the file is there under its name, so it waits for that: a client may exit as soon
// as it has it. The condition is checked again under the directory's lock: of two uploads of one new name, the one that
// ends second is refused.
void TftpSession::StoreUpload(Output& output) {
  state_ = State::kStoring;
  const absl::Status status = upload_->Store(StoreCondition()).status();
  if (absl::IsUnavailable(status) && ++store_tries_ < kMaxStoreTries) return output.SetTimer(kStorePause);
  if (!status.ok()) return RefuseUpload(status, output);
  upload_ = nullptr;
  state_ = State::kReceived;
  Acknowledge(output);
}

Upload::Condition TftpSession::StoreCondition() const {
  if (writes_ == TftpWrites::kAll) return nullptr;
  return [](const FileStamp* current) { return current == nullptr; };
}

// The library's text for AlreadyExists speaks of a condition in the request, and TFTP has none.
void TftpSession::RefuseUpload(const absl::Status& error, Output& output) {
  if (absl::IsAlreadyExists(error)) return Refuse(TftpError::kExists, "a file of this name exists", output);
  Refuse(TftpErrorOf(error), error.message(), output);
}

void TftpSession::Acknowledge(Output& output) {
  // A new window begins behind it, whether the one before was complete or not (RFC 7440, section 4).
  acknowledged_ = last_;
  Reply(TftpAck(static_cast<uint16_t>(last_)), output);
}

// One timer serves all states. Each case that sends sets it again, and repeats_ counts until the peer is heard: that
// bounds the transfer, whatever the peer does not do.
void TftpSession::OnTime(Output& output) {
  if (std::exchange(is_asked_again_, false) && heard_) return StartTransfer(output);
  if (state_ == State::kStoring) return StoreUpload(output);
  if (state_ == State::kFetching) return LookForFetch(output);
  const int most = heard_ ? kMaxRepeats : kMaxRepeatsUnheard;
  if (idle() || ++repeats_ > most) return End(output);
  if (state_ == State::kSending && !awaits_options_ack_) return SendWindow(output);
  // The rest of a window does not arrive: acknowledge the blocks that have arrived, so that it is sent from there.
  if (state_ == State::kReceiving && last_ > acknowledged_) return Acknowledge(output);
  Reply(std::exchange(reply_, ""), output);
}

// Kept until it is replaced, for the timer, and for a peer that repeats its last block.
void TftpSession::Reply(std::string packet, Output& output) {
  reply_ = std::move(packet);
  output.Write(reply_);
  AwaitAnswer(output);
}

// The peer continues the transfer. Within a transfer nothing else resets the repeats: a copy of the request, or a
// packet out of order, must not keep it alive.
void TftpSession::Hear() {
  heard_ = true;
  is_asked_again_ = false;
  repeats_ = 0;
}

// Doubling intervals, as RFC 1123, section 4.2.3.2, asks for: a network that is congested must not be loaded more. The
// option of the request is the first interval, not a limit. repeats_ is kMaxRepeats at most, so the interval is at most
// 64 times the first.
void TftpSession::AwaitAnswer(Output& output) {
  if (state_ == State::kReceived) return output.SetTimer(std::max(terms_.timeout, kRemembersEnd));
  if (!heard_) return output.SetTimer(std::min(terms_.timeout, kIntervalUnheard));
  output.SetTimer(std::min(terms_.timeout * (1 << repeats_), std::max(terms_.timeout, kLongestInterval)));
}

// An error ends the transfer, and is a courtesy: if it is lost, the peer times out (RFC 1350, section 7).
void TftpSession::Refuse(TftpError code, absl::string_view text, Output& output) {
  output.Write(TftpErrorPacket(code, text));
  End(output);
}

// An upload that is not complete leaves nothing behind; see Upload.
void TftpSession::EndTransfer() {
  state_ = State::kAwaitsRequest;
  polled_ = nullptr;
  source_ = nullptr;
  upload_ = nullptr;
}

// Closing makes the driver forget the peer; its next request starts a new session.
void TftpSession::End(Output& output) {
  EndTransfer();
  output.SetTimer(absl::InfiniteDuration());
  output.Close();
}

}  // namespace polyserve
