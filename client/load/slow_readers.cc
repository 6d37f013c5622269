#include "client/load/slow_readers.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// Each reader is visited ten times a second. The readers form groups that are visited in turn, so that the load is
// spread evenly: if all were visited at once, the server would have bursts of work, and pauses.
constexpr int kGroups = 10;
constexpr absl::Duration kBetweenGroups = absl::Milliseconds(10);
constexpr double kVisitsPerSecond = 10;
// The receive buffer: small, so that the data that a reader has not read waits in the server, not in this kernel. Linux
// doubles the value, for its own bookkeeping (socket(7), SO_RCVBUF).
constexpr int kLeastBufferBytes = 16 * 1024;
constexpr int64_t kRetryAfter = LoadThread::kSecond / 10;
// A reader has got enough if it is behind by no more than this part of a second's bytes, or of all bytes.
constexpr double kSecondsBehind = 1;
constexpr double kShareBehind = 0.1;

}  // namespace

SlowReaders::SlowReaders(const LoadPlan& share, double bytes_per_second)
    : LoadThread(share),
      bytes_per_second_(bytes_per_second),
      dialer_(share.to),
      readers_(static_cast<size_t>(share.connections)),
      buffer_(kReadBytes) {}

// Connects only: the requests are sent when the load begins, so that no reader is ahead of its rate then.
absl::Status SlowReaders::Connect() {
  for (Reader& reader : readers_) {
    reader.exchange = plan_.make_exchange();
    if (!Open(reader)) return absl::UnavailableError("a slow reader cannot connect");
    ++tally_.connected;
  }
  return absl::OkStatus();
}

// The buffer has room for two visits. Setting it also ends its automatic growth (tcp_moderate_rcvbuf, tcp(7)), by which
// the kernel would soon take over the whole file, and the server would see a fast reader.
bool SlowReaders::Open(Reader& reader) {
  absl::StatusOr<UniqueFd> fd = dialer_.Connect(plan_.patience);
  if (!fd.ok()) return false;
  reader.fd = *std::move(fd);
  const int bytes = std::max(kLeastBufferBytes, static_cast<int>(2 * bytes_per_second_ / kVisitsPerSecond));
  ::setsockopt(reader.fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  return true;
}

// Sleeps between groups instead of waiting for events: arriving data must not wake a reader whose rate is used up.
void SlowReaders::Load() {
  for (Reader& reader : readers_) Ask(reader);
  for (size_t group = 0; !IsOver(); group = (group + 1) % kGroups) {
    // If the visits of a group take longer than the pause, each reader is visited less often, and reads more each time.
    for (size_t i = group; i < readers_.size(); i += kGroups) Visit(readers_[i]);
    absl::SleepFor(kBetweenGroups);
    now_ = Now();
  }
}

void SlowReaders::Ask(Reader& reader) {
  const absl::string_view request = reader.exchange->Ask();
  reader.asked = now_;
  const ssize_t count = ::send(reader.fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  // The socket always has room for a request, because only one is under way.
  if (count < 0) CountFailure(tally_.broken, errno);
}

// The clock is read before each piece, since the visits before this one took time, and so the appetite has grown.
void SlowReaders::Visit(Reader& reader) {
  if (!reader.fd.ok() && now_ >= reader.retry_at) Reopen(reader);
  while (reader.fd.ok()) {
    now_ = Now();
    // Below one byte there is nothing to read; what is left of the appetite stays for the next visit, as it is a
    // double.
    const double may_take = std::min(Appetite() - reader.taken, static_cast<double>(buffer_.size()));
    if (may_take < 1 || !Take(reader, static_cast<size_t>(may_take))) return;
  }
}

// Returns false also if it has made a new connection: the visit ends there.
bool SlowReaders::Take(Reader& reader, size_t most) {
  const ssize_t count = ::recv(reader.fd.get(), buffer_.data(), most, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) {
    const int error = count < 0 ? errno : 0;
    if (error == 0 && reader.exchange->TakeEnd() == Exchange::Reply::kLast) {
      OnLast(reader);
    } else {
      CountFailure(tally_.broken, error);
      Lose(reader);
    }
    return false;
  }
  // Counted from the start, warm-up included, as the appetite is.
  reader.taken += static_cast<double>(count);
  if (IsCounted(now_)) tally_.bytes_in += static_cast<uint64_t>(count);
  absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  while (!bytes.empty()) {
    const Exchange::Reply reply = reader.exchange->Take(bytes);
    if (reply == Exchange::Reply::kIncomplete) return true;
    if (reply == Exchange::Reply::kWrong) {
      ++tally_.wrong;
      CountAge(reader.asked, reader.asked);
      Reopen(reader);
      return false;
    }
    if (reply == Exchange::Reply::kLast) {
      OnLast(reader);
      return false;
    }
    CountReply(reader.asked, reader.asked, reader.replies);
    Ask(reader);
  }
  return true;
}

void SlowReaders::OnLast(Reader& reader) {
  CountReply(reader.asked, reader.asked, reader.replies);
  ++tally_.reconnections;
  Reopen(reader);
}

// The bytes that it has read stay counted: the appetite is for bytes, not for files.
void SlowReaders::Lose(Reader& reader) {
  CountUnanswered(reader.asked, reader.asked);
  Reopen(reader);
}

void SlowReaders::Reopen(Reader& reader) {
  reader.fd.reset();
  reader.exchange->Reset();
  if (Open(reader)) return Ask(reader);
  CountFailure(tally_.not_connected, errno);
  reader.retry_at = now_ + kRetryAfter;
}

// Does not wait for the replies under way: at this rate they may take minutes, and the file's size is the user's
// choice. What matters is whether the server kept each reader supplied.
void SlowReaders::Settle() {
  int hungry = 0;
  for (const Reader& reader : readers_) {
    const double behind = Appetite() - reader.taken;
    // Both bounds must be exceeded: a short run may be a second behind from its beginnings alone, and in a long one a
    // tenth is what a busy machine may cost.
    if (behind > kSecondsBehind * bytes_per_second_ && behind > kShareBehind * Appetite()) ++hungry;
    tally_.per_connection.push_back(reader.replies);
  }
  if (hungry == 0) return;
  tally_.faults.push_back(
      absl::StrCat(hungry, " of ", readers_.size(), " readers got less than they would have taken"));
}

}  // namespace polyserve
