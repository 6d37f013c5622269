#include "protocol/tls/writer.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/logging.h"

namespace polyserve {

// The head of a reply goes the same way as the file behind it, so that both leave in one call.
void TlsWriter::Deliver(Output& output) {
  if (inner_.file_ranges() > 0) return SealByTask(output);
  Seal(output);
}

void TlsWriter::Seal(Output& output) {
  while (!inner_.empty()) {
    if (!output.wants_more()) return SealByTask(output);
    if (!(inner_.FrontFile() != nullptr ? SealFile(output) : SealMemory(output))) return BreakOff(output);
  }
  Finish(output);
}

// A record at a time, so that the output exceeds its mark by one at most.
bool TlsWriter::SealMemory(Output& output) {
  iovec piece;
  inner_.FrontMemory(&piece, 1);
  const size_t size = std::min(piece.iov_len, TlsChannel::kRecordBytes);
  if (!channel_.Write(absl::string_view(static_cast<const char*>(piece.iov_base), size), output)) return false;
  inner_.Sent(static_cast<int64_t>(size));
  return true;
}

// The head has promised all of the file, so the connection has to end if there is less: without close_notify, by which
// the peer knows that something is missing.
bool TlsWriter::SealFile(Output& output) {
  const Output::FileRange& range = *inner_.FrontFile();
  char buffer[TlsChannel::kRecordBytes];
  const int64_t wanted = std::min(range.length, static_cast<int64_t>(sizeof(buffer)));
  const ssize_t count = ::pread(range.file->get(), buffer, static_cast<size_t>(wanted), range.offset);
  if (count <= 0) {
    LOG_FLOOD(WARNING) << "a file became shorter, or cannot be read, while it was being sent; the connection is closed";
    return false;
  }
  if (!channel_.Write(absl::string_view(buffer, static_cast<size_t>(count)), output)) return false;
  inner_.Sent(count);
  return true;
}

void TlsWriter::SealByTask(Output& output) {
  has_task_.store(true, std::memory_order_release);
  output.Work([self = shared_from_this()](Output& more) { self->Seal(more); });
}

// The task appends to the inner output, as it would to that of a driver.
void TlsWriter::PassOnTask(Output& output) {
  has_task_.store(true, std::memory_order_release);
  const Output::PauseBeforeWork pause = inner_.pause();
  output.Work([self = shared_from_this(), task = inner_.TakeWork()](Output& more) mutable {
    task(self->inner_);
    self->Seal(more);
  });
  output.pause() = pause;
}

void TlsWriter::PassOnQuestion(Output& output) {
  has_task_.store(true, std::memory_order_release);
  Output::Asked asked = inner_.TakeQuestion();
  output.Ask(std::move(asked.question), [self = shared_from_this(), then = std::move(asked.then)](
                                            absl::StatusOr<std::string> reply, Output& more) mutable {
    then(std::move(reply), self->inner_);
    self->Seal(more);
  });
}

// All that the inner session has written is in the output. Last of all, since a session's queries may come from another
// thread as soon as no task is left.
void TlsWriter::Finish(Output& output) {
  const Output::Counts counts = inner_.TakeCounts();
  for (int i = 0; i < counts.requests; ++i) output.CountRequest();
  for (int i = 0; i < counts.errors; ++i) output.CountError();
  if (inner_.has_work()) return PassOnTask(output);
  if (inner_.asks()) return PassOnQuestion(output);
  if (inner_.asks_for_wake()) output.SetTimer(inner_.TakeWakeIn());
  if (inner_.closing() || closes_at_end_) {
    channel_.Close(output);
    output.Close();
    is_closed_ = true;
  }
  inner_ = Output();  // An idle session holds no buffer.
  has_task_.store(false, std::memory_order_release);
}

void TlsWriter::BreakOff(Output& output) {
  output.Close();
  is_closed_ = true;
  inner_ = Output();
  has_task_.store(false, std::memory_order_release);
}

}  // namespace polyserve
