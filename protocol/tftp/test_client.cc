#include "protocol/tftp/test_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// So often the time passes for both sides before the transfer counts as stuck.
constexpr int kMostRounds = 2000;

}  // namespace

std::string TftpRequestPacket(bool is_write, absl::string_view name, absl::string_view mode,
                              const TftpOptions& options) {
  // With its length, since a literal alone would end at the zero byte.
  const absl::string_view zero("\0", 1);
  std::string packet = absl::StrCat(zero, is_write ? "\2" : "\1", name, zero, mode, zero);
  for (const auto& [option, value] : options) absl::StrAppend(&packet, option, zero, value, zero);
  return packet;
}

std::optional<std::string> TftpTestTransfer::Get(absl::string_view name, absl::string_view mode,
                                                 const TftpOptions& options) {
  request_ = TftpRequestPacket(false, name, mode, options);
  Run();
  if (!done_) return std::nullopt;
  return bytes_;
}

bool TftpTestTransfer::Put(absl::string_view name, absl::string_view bytes, absl::string_view mode,
                           const TftpOptions& options) {
  is_write_ = true;
  bytes_ = std::string(bytes);
  request_ = TftpRequestPacket(true, name, mode, options);
  Run();
  return done_;
}

// Packets to the session go first, and time passes only when nothing is under way: so the same seed gives the same
// order of events, and a timer never races a packet.
void TftpTestTransfer::Run() {
  Send(request_, to_session_);
  for (int rounds = 0; rounds < kMostRounds && error_ == 65535;) {
    if (!to_session_.empty()) {
      const std::string packet = std::move(to_session_.front());
      to_session_.pop_front();
      Show(packet);
    } else if (!to_client_.empty()) {
      const std::string packet = std::move(to_client_.front());
      to_client_.pop_front();
      OnPacket(packet);
    } else if (done_ || closed_) {
      return;
    } else {
      ++rounds;  // Silence: time passes, for both.
      OnTime();
    }
  }
}

// The session's timer counts once, as a driver's does. Then the client repeats what it sent last.
void TftpTestTransfer::OnTime() {
  if (awaits_time_) {
    awaits_time_ = false;
    session_.OnTime(output_);
    TakeOver();
  }
  // Nothing has come yet, so the request itself was lost, or the answer to it: real clients repeat it as it was.
  if (!started_) return Send(request_, to_session_);
  if (is_write_) return SendBlocks();
  // A download repeats its last acknowledgement: either it was lost, or the block behind it.
  Send(TftpAck(static_cast<uint16_t>(last_)), to_session_);
}

void TftpTestTransfer::Show(const std::string& packet) {
  if (closed_) return;
  Input input(packet);
  session_.OnInput(input, output_);
  TakeOver();
}

void TftpTestTransfer::TakeOver() {
  for (; !output_.empty(); output_.DropDatagram()) {
    ++packets_;
    Send(std::string(output_.FrontDatagram()), to_client_);
  }
  if (output_.asks_for_wake()) awaits_time_ = output_.TakeWakeIn() != absl::InfiniteDuration();
  closed_ = closed_ || output_.closing();
  output_.Clear();
}

// A packet that is late changes places with the one in front of it, so the two arrive in the wrong order. Nothing else
// throws the dice, so a seed always gives the same faults.
void TftpTestTransfer::Send(std::string packet, Queue& queue) {
  if (Roll(faults_.lost)) return;
  if (Roll(faults_.doubled)) queue.push_back(packet);
  queue.push_back(std::move(packet));
  if (queue.size() > 1 && Roll(faults_.late)) std::swap(queue.back(), queue[queue.size() - 2]);
}

void TftpTestTransfer::OnPacket(const std::string& packet) {
  const std::optional<TftpOpcode> opcode = TftpOpcodeOf(packet);
  const uint16_t number = TftpBlockOf(packet).value_or(0);
  if (opcode == TftpOpcode::kError) error_ = number;
  // One that comes again, later, is an old copy.
  if (opcode == TftpOpcode::kOptionsAck && last_ == 0) OnOptions(packet);
  if (opcode == TftpOpcode::kData && !is_write_) OnData(number, TftpDataOf(packet));
  if (opcode == TftpOpcode::kAck && is_write_ && (started_ || number == 0)) {
    started_ = true;
    const int64_t newly = static_cast<uint16_t>(number - static_cast<uint16_t>(last_));
    // An old acknowledgement, modulo 2^16, or a repeated one: the timer sends again, not this.
    if (newly > window_ || (newly == 0 && last_ > 0)) return;
    last_ += newly;
    SendBlocks();
  }
}

// An upload begins with data, a download with the acknowledgement of the options as block 0.
void TftpTestTransfer::OnOptions(absl::string_view packet) {
  const std::vector<std::string> parts = absl::StrSplit(packet.substr(2), '\0');
  accepted_.clear();
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    accepted_.emplace_back(parts[i], parts[i + 1]);
    int64_t number = 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts[i + 1], &number));
    if (parts[i] == "blksize") block_bytes_ = static_cast<size_t>(number);
    if (parts[i] == "windowsize") window_ = number;
  }
  started_ = true;
  is_write_ ? SendBlocks() : Send(TftpAck(0), to_session_);
}

// Acknowledges at the end of a window and of the file; a block that is not the next one repeats the last
// acknowledgement.
void TftpTestTransfer::OnData(uint16_t number, absl::string_view bytes) {
  started_ = true;
  if (number != static_cast<uint16_t>(last_ + 1) || done_) {
    Send(TftpAck(static_cast<uint16_t>(last_)), to_session_);
    return;
  }
  ++last_;
  bytes_.append(bytes.data(), bytes.size());
  done_ = bytes.size() < block_bytes_;
  if (!done_ && last_ - acknowledged_ < window_) return;
  acknowledged_ = last_;
  Send(TftpAck(static_cast<uint16_t>(last_)), to_session_);
}

// The window behind the last acknowledged block; the last block is shorter than the others, if need be empty.
void TftpTestTransfer::SendBlocks() {
  const int64_t blocks = static_cast<int64_t>(bytes_.size() / block_bytes_) + 1;
  done_ = last_ == blocks;
  for (int64_t block = last_ + 1; block <= std::min(last_ + window_, blocks); ++block) {
    const size_t begin = static_cast<size_t>(block - 1) * block_bytes_;
    Send(TftpData(static_cast<uint16_t>(block), absl::string_view(bytes_).substr(begin, block_bytes_)), to_session_);
  }
}

}  // namespace polyserve
