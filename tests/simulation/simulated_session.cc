#include "tests/simulation/simulated_session.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "base/unique_fd.h"

namespace polyserve::simulation {

namespace {

// No two places in it look alike, within reason.
const std::string& Pattern() {
  static const std::string* const pattern = [] {
    auto* bytes = new std::string();
    uint32_t state = 1;
    while (bytes->size() < kMaxReplyBytes) {
      state = state * 1664525 + 1013904223;
      bytes->push_back(static_cast<char>(state >> 24));
    }
    return bytes;
  }();
  return *pattern;
}

// A real file, in memory. The process keeps it.
const std::shared_ptr<const UniqueFd>& PatternFile() {
  static const auto* const file = [] {
    auto fd = std::make_shared<UniqueFd>(::memfd_create("pattern", MFD_CLOEXEC));
    const std::string& bytes = Pattern();
    CHECK(::write(fd->get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    return new std::shared_ptr<const UniqueFd>(std::move(fd));
  }();
  return *file;
}

}  // namespace

void SimulatedSession::OnInput(Input& input, Output& output) {
  client_.OnShown(input.bytes());
  if (is_away_) client_.kernel().Fail("a session is shown input before its task, or its question, is over");
  while (output.wants_more()) {
    const size_t end = input.bytes().find('\n');
    const bool is_whole = end != absl::string_view::npos;
    NotePart(!is_whole && !input.empty(), output);
    if (!is_whole && input.bytes().size() > kMaxLineBytes) {
      client_.OnConsumed(input.bytes().size());
      input.ConsumeAll();
      return Close("too long\n", output);
    }
    if (!is_whole) return;
    const std::string line(input.bytes().substr(0, end));
    input.Consume(end + 1);
    client_.OnConsumed(end + 1);
    Obey(line, output);
  }
}

void SimulatedSession::OnEndOfInput(Output& output) {
  client_.OnShownEnd();
  has_part_ = false;
  Close("end\n", output);
}

void SimulatedSession::OnTime(Output& output) {
  client_.OnTimer();
  if (client_.kernel().limits().head_timeout == 0) return client_.Write(output, "time\n");
  if (!has_part_) return;  // The rest has come, and the new timer with it was not taken over yet.
  Close("too slow\n", output);
}

void SimulatedSession::Obey(absl::string_view line, Output& output) {
  output.CountRequest();
  int64_t number = 0;
  if (line.size() > 1) static_cast<void>(absl::SimpleAtoi(line.substr(1), &number));
  switch (line.empty() ? ' ' : line[0]) {
    case 'e':
      return client_.Write(output, std::string(line.substr(1)) + "\n");
    case 'b':
      return SendBytes(std::min(number, kMaxReplyBytes), output);
    case 'f':
      return SendFile(std::min(number, kMaxReplyBytes), output);
    case 't':
      return client_.SetTimer(output, number * kMillisecond);
    case 'w':
      is_away_ = true;
      return output.Work([&client = client_](Output& result) { client.Write(result, "worked\n"); });
    case 'a':
      is_away_ = true;
      return client_.Ask(output);
    case 'p': {
      is_away_ = true;
      const Time until = client_.kernel().now() + number * kMillisecond;
      return output.Pause(absl::Milliseconds(number), [&client = client_, until](Output& result) {
        if (client.kernel().now() < until) client.kernel().Fail("a pause was cut short");
        client.Write(result, "paused\n");
      });
    }
    default:
      output.CountError();
      return Close("bye\n", output);
  }
}

// As a copy, or as bytes that are shared.
void SimulatedSession::SendBytes(int64_t count, Output& output) {
  const absl::string_view bytes = absl::string_view(Pattern()).substr(0, static_cast<size_t>(count));
  if (count < 2000) return client_.Write(output, bytes);
  output.WriteShared(std::make_shared<std::string>(bytes));
  client_.NoteWritten(bytes);
}

void SimulatedSession::SendFile(int64_t count, Output& output) {
  client_.Write(output, "file\n");
  const int64_t offset = kMaxReplyBytes - count;
  output.WriteFile(PatternFile(), offset, count);
  client_.NoteWritten(absl::string_view(Pattern()).substr(static_cast<size_t>(offset)));
  client_.Write(output, "\n");
}

// The timer of a line begins with its first byte, and is cancelled with its last.
void SimulatedSession::NotePart(bool has_part, Output& output) {
  const Time head_timeout = client_.kernel().limits().head_timeout;
  if (head_timeout > 0 && has_part != has_part_) client_.SetTimer(output, has_part ? head_timeout : kNever);
  has_part_ = has_part;
  client_.SetRestOfLine(has_part);
}

void SimulatedSession::Close(absl::string_view last, Output& output) {
  client_.Write(output, last);
  client_.NoteClosed();
  client_.SetRestOfLine(false);
  output.Close();
}

}  // namespace polyserve::simulation
