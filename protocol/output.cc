#include "protocol/output.h"

#include <sys/uio.h>

#include <algorithm>
#include <utility>

#include "base/logging.h"

namespace polyserve {

namespace {

// Clear() gives back more than this, so that one large reply does not stay in memory for good. Twice the mark above
// which sessions stop writing, since they exceed it by one answer, and most answers are smaller than it. Over UDP each
// write is a segment of its own, and kMaxWrites bounds those.
constexpr size_t kKeepBytes = 2 * Output::kHighWaterBytes;
constexpr size_t kKeepSegments = 256;

}  // namespace

// A limit on writes as well as on bytes: each request of a few bytes may cost a look-up of a file, and a peer that
// sends thousands of them in one packet must not keep a loop from its other clients.
bool Output::wants_more() const {
  return !closing_ && !is_to_be_continued() && unsent_bytes_ < static_cast<int64_t>(kHighWaterBytes) &&
         file_ranges_ < kMaxFileRanges && writes_ < kMaxWrites;
}

// All copies lie in one string, one after the other, so that a reply of many small writes leaves as one piece of one
// sendmsg(2). Segments hold positions, not pointers: the string may move as it grows.
void Output::Write(absl::string_view bytes) {
  DCHECK(!closing_ && !is_to_be_continued()) << "nothing follows Work(), Ask() or Close()";
  // A datagram may be empty, and is sent (RFC 768 has no least length); in a stream there would be nothing to send.
  if (bytes.empty() && kind_ == Kind::kStream) return;
  ++writes_;
  const size_t begin = copies_.size();
  copies_.append(bytes.data(), bytes.size());
  unsent_bytes_ += static_cast<int64_t>(bytes.size());
  Copied* last = empty() ? nullptr : std::get_if<Copied>(&segments_.back());
  // The last copy ends where this one begins: copies_ only grows at its end, and any other segment in between would be
  // the last one.
  if (last != nullptr && kind_ == Kind::kStream) {
    last->end = copies_.size();
  } else {
    segments_.emplace_back(Copied{begin, copies_.size()});
  }
}

// Not counted in writes_: what is shared is a message of a room, or large, and the limit on bytes bounds both.
void Output::WriteShared(std::shared_ptr<const std::string> bytes) {
  DCHECK(!closing_ && !is_to_be_continued()) << "nothing follows Work(), Ask() or Close()";
  if (bytes->empty() && kind_ == Kind::kStream) return;
  unsent_bytes_ += static_cast<int64_t>(bytes->size());
  segments_.emplace_back(Shared{std::move(bytes), 0});
}

// Counted as unsent bytes in full, so a session stops behind a large file; a range of nothing must not hold a
// descriptor.
void Output::WriteFile(std::shared_ptr<const UniqueFd> file, int64_t offset, int64_t length) {
  DCHECK(!closing_ && !is_to_be_continued()) << "nothing follows Work(), Ask() or Close()";
  CHECK(kind_ == Kind::kStream) << "there are no files in datagrams";
  if (length == 0) return;
  unsent_bytes_ += length;
  ++file_ranges_;
  segments_.emplace_back(FileRange{std::move(file), offset, length});
}

void Output::Work(Task task) {
  DCHECK(!closing_ && !is_to_be_continued()) << "one task at a time";
  task_ = std::move(task);
}

// Kept apart from the task, since the driver may have to wait several times before it runs it.
void Output::Pause(absl::Duration pause, Task then) {
  Work(std::move(then));
  pause_.length = pause;
}

void Output::WorkAfter(absl::Duration wait, Task then) {
  Work(std::move(then));
  pause_ = {wait, std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(wait)};
}

void Output::Ask(Question question, Answered then) {
  DCHECK(!closing_ && !is_to_be_continued()) << "one task, or question, at a time";
  CHECK(kind_ == Kind::kStream) << "a session of datagrams asks no other server";
  asked_ = std::make_unique<Asked>(Asked{std::move(question), std::move(then), nullptr});
}

// Not an entry of the queue: the driver looks at the flag once all is sent and no task is left.
void Output::Close() { closing_ = true; }

// Stops at a file range, which goes through another system call (sendfile(2)). The casts are safe: iovec serves
// readv(2) as well, and so has no const, but sending changes nothing.
int Output::FrontMemory(iovec* pieces, int max) const {
  int count = 0;
  for (size_t i = first_; i < segments_.size() && count < max; ++i) {
    if (const Copied* copied = std::get_if<Copied>(&segments_[i])) {
      pieces[count++] = {const_cast<char*>(copies_.data()) + copied->begin, copied->end - copied->begin};
    } else if (const Shared* shared = std::get_if<Shared>(&segments_[i])) {
      pieces[count++] = {const_cast<char*>(shared->bytes->data()) + shared->begin,
                         shared->bytes->size() - shared->begin};
    } else {
      break;
    }
  }
  return count;
}

const Output::FileRange* Output::FrontFile() const {
  return empty() ? nullptr : std::get_if<FileRange>(&segments_[first_]);
}

const Output::FileRange* Output::FirstFile() const {
  // The count spares the walk for all services that send no files.
  if (file_ranges_ == 0) return nullptr;
  const auto has_file = [](const Segment& segment) { return std::holds_alternative<FileRange>(segment); };
  const auto found = std::find_if(segments_.begin() + static_cast<std::ptrdiff_t>(first_), segments_.end(), has_file);
  return found == segments_.end() ? nullptr : &std::get<FileRange>(*found);
}

// A segment that is used up lets go of what it shares at once: a file is closed, and a message freed, when it is sent,
// not when the whole output is. An empty Copied takes its place, so that the positions of the others stay until
// StartOver() or DropSentCopies() clears the front.
int64_t Output::TrimFront(int64_t bytes) {
  Segment& front = segments_[first_];
  if (Copied* copied = std::get_if<Copied>(&front)) {
    const int64_t trimmed = std::min(bytes, static_cast<int64_t>(copied->end - copied->begin));
    copied->begin += static_cast<size_t>(trimmed);
    if (copied->begin == copied->end) ++first_;
    return trimmed;
  }
  if (Shared* shared = std::get_if<Shared>(&front)) {
    const int64_t trimmed = std::min(bytes, static_cast<int64_t>(shared->bytes->size() - shared->begin));
    shared->begin += static_cast<size_t>(trimmed);
    if (shared->begin == shared->bytes->size()) segments_[first_++] = Copied{0, 0};
    return trimmed;
  }
  FileRange& range = std::get<FileRange>(front);
  const int64_t trimmed = std::min(bytes, range.length);
  range.offset += trimmed;
  range.length -= trimmed;
  if (range.length == 0) {
    segments_[first_++] = Copied{0, 0};
    --file_ranges_;
  }
  return trimmed;
}

void Output::Sent(int64_t bytes) {
  // One system call may have taken several segments, and may have ended in the middle of one.
  unsent_bytes_ -= bytes;
  while (bytes > 0) {
    DCHECK(!empty());
    bytes -= TrimFront(bytes);
  }
  if (empty()) {
    StartOver();
  } else {
    DropSentCopies();
  }
}

// Datagrams are never sent in part, so the segment at the front is always whole.
absl::string_view Output::FrontDatagram() const {
  if (const Shared* shared = std::get_if<Shared>(&segments_[first_])) return *shared->bytes;
  const Copied& copied = std::get<Copied>(segments_[first_]);
  return absl::string_view(copies_).substr(copied.begin, copied.end - copied.begin);
}

void Output::DropDatagram() {
  unsent_bytes_ -= static_cast<int64_t>(FrontDatagram().size());
  segments_[first_++] = Copied{0, 0};  // Lets go of shared bytes.
  if (empty()) StartOver();
}

// Everything is sent: the usual case, in which the buffers are reused from their beginning.
void Output::StartOver() {
  segments_.clear();
  first_ = 0;
  writes_ = 0;
  copies_.clear();
}

// A peer that reads slowly, while its session keeps writing, would make the string grow for ever: StartOver() needs a
// moment at which nothing is unsent. Moving at most as many bytes as were sent since the last time keeps the cost
// linear. If something else is at the front, it is not known how far copies_ is sent; the next copy that gets there
// tells.
void Output::DropSentCopies() {
  const Copied* front = empty() ? nullptr : std::get_if<Copied>(&segments_[first_]);
  const size_t sent = front == nullptr ? 0 : front->begin;
  if (sent < kHighWaterBytes || sent < copies_.size() / 2) return;
  copies_.erase(0, sent);
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  for (Segment& segment : segments_) {
    if (Copied* copied = std::get_if<Copied>(&segment)) {
      copied->begin -= sent;
      copied->end -= sent;
    }
  }
}

// The pause belongs to the task: what that task appends may have one of its own.
Output::Task Output::TakeWork() {
  pause_ = {};
  return std::exchange(task_, nullptr);
}

// Taken out first: what it appends may be the next question. The other server's connection ends before the peer's reply
// is sent, so that a slow peer holds none.
void Output::Answer(absl::StatusOr<std::string> reply) {
  Answered then = TakeQuestion().then;
  then(std::move(reply), *this);
}

Output::Asked Output::TakeQuestion() {
  const std::unique_ptr<Asked> asked = std::exchange(asked_, nullptr);
  return std::move(*asked);
}

// Buffers that one large reply has stretched are given back; small ones serve the next client.
void Output::Clear() {
  if (copies_.capacity() > kKeepBytes || segments_.capacity() > kKeepSegments) {
    *this = Output(kind_);
    return;
  }
  copies_.clear();
  segments_.clear();
  first_ = 0;
  unsent_bytes_ = 0;
  file_ranges_ = 0;
  writes_ = 0;
  task_ = nullptr;
  pause_ = {};
  asked_ = nullptr;
  wake_in_.reset();
  counts_ = {};
  half_closes_ = false;
  closing_ = false;
}

}  // namespace polyserve
