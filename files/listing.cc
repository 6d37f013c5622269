#include "files/listing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/sys_error.h"

namespace polyserve {

namespace {

// What an entry takes beside its name.
constexpr size_t kEntryBytes = sizeof(Library::Entry);

// The fixed part of an entry in the file of runs; its name follows. Written as it lies in memory: no other process ever
// reads the file. The name is at most NAME_MAX (255) bytes long, so 16 bits hold its length.
struct Record {
  int64_t size;
  int64_t mtime;
  uint16_t name_bytes;
  bool is_directory;
};

// Names by bytes, which for UTF-8 is the order of the code points; no locale. A directory has no size: its 0 comes
// first.
bool ComesFirst(const Library::Entry& a, const Library::Entry& b, ListingOrder order) {
  const auto size_of = [](const Library::Entry& entry) { return entry.is_directory ? int64_t{0} : entry.size; };
  const Library::Entry& first = order.is_descending ? b : a;
  const Library::Entry& second = order.is_descending ? a : b;
  switch (order.by) {
    case ListingOrder::By::kName:
      return first.name < second.name;
    case ListingOrder::By::kSize:
      if (size_of(a) != size_of(b)) return size_of(first) < size_of(second);
      break;
    case ListingOrder::By::kDate:
      if (a.mtime != b.mtime) return first.mtime < second.mtime;
      break;
  }
  return a.name < b.name;
}

// What errno says if there is no place for what is sorted: a shortage that passes, or a disk that is full.
absl::Status RoomError() {
  if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
    return absl::UnavailableError("the server is short of descriptors or memory");
  }
  return absl::ResourceExhaustedError("there is no room for the listing");
}

// A file without a name, which the kernel frees even if the server is killed, in a directory for temporary files. If
// there is none, or its file system has no such files, in memory, which the system can swap out.
absl::StatusOr<UniqueFd> OpenTemporary() {
  // O_TMPFILE rather than a name that is unlinked at once: a server that is killed between the two would leave the
  // file. Overlay and network file systems may not have it; the next directory may be on one that has.
  const char* const named = std::getenv("TMPDIR");
  for (const char* directory : {named, "/tmp", "/var/tmp"}) {
    if (directory == nullptr) continue;
    UniqueFd fd(::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd.ok()) return fd;
  }
  UniqueFd fd(::memfd_create("polyserve-listing", MFD_CLOEXEC));
  if (!fd.ok()) return RoomError();
  return fd;
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    // On a disk that fills up, a call first writes a part; the next one says ENOSPC.
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return RoomError();
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

// A sorted part of the entries, in the file of runs. All runs share one descriptor: pread(2) leaves its position alone.
class Listing::Run {
 public:
  Run(int fd, int64_t begin, int64_t end) : fd_(fd), next_(begin), end_(end) {}

  const Library::Entry& entry() const { return entry_; }

  // Goes on to the next entry, at first to the first. False: there is none.
  // next_ is how far the file was read; what of it is not returned yet is in the buffer.
  absl::StatusOr<bool> Next() {
    if (next_ == end_ && at_ == buffer_.size()) return false;
    Record record;
    if (absl::Status status = Take(&record, sizeof(record)); !status.ok()) return status;
    entry_.size = record.size;
    entry_.mtime = record.mtime;
    entry_.is_directory = record.is_directory;
    entry_.name.resize(record.name_bytes);
    if (absl::Status status = Take(entry_.name.data(), record.name_bytes); !status.ok()) return status;
    return true;
  }

 private:
  // A record, and a name, is shorter than kReadBytes, so one Fill() is always enough.
  absl::Status Take(void* to, size_t count) {
    if (buffer_.size() - at_ < count) {
      if (absl::Status status = Fill(); !status.ok()) return status;
      if (buffer_.size() < count) return absl::DataLossError("the listing's temporary file is damaged");
    }
    std::memcpy(to, buffer_.data() + at_, count);
    at_ += count;
    return absl::OkStatus();
  }

  // Reads more behind what is left.
  absl::Status Fill() {
    // What is left is a part of one record, so little is moved.
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t left = buffer_.size();
    const size_t wanted = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kReadBytes), end_ - next_));
    buffer_.resize(left + wanted);
    // No EINTR here: reads of a file are not interrupted by signals (signal(7)).
    const ssize_t count = ::pread(fd_, buffer_.data() + left, wanted, next_);
    if (count < 0) return SysError("cannot read the listing's temporary file");
    buffer_.resize(left + static_cast<size_t>(count));
    next_ += count;
    return absl::OkStatus();
  }

  const int fd_;
  int64_t next_;  // The next offset to read in the file,
  const int64_t end_;
  std::string buffer_;
  size_t at_ = 0;  // and in the buffer.
  Library::Entry entry_ = {};
};

Listing::Listing(Library::Directory directory, Format format, ListingOrder order)
    : directory_(std::move(directory)), format_(std::move(format)), order_(order) {}

Listing::~Listing() = default;

absl::StatusOr<std::unique_ptr<Listing>> Listing::Start(const Library& library, absl::string_view name, Format format,
                                                        ListingOrder order) {
  absl::StatusOr<Library::Directory> directory = library.OpenDirectory(name);
  if (!directory.ok()) return directory.status();
  return std::unique_ptr<Listing>(new Listing(*std::move(directory), std::move(format), order));
}

absl::StatusOr<bool> Listing::Step() {
  absl::Status status;
  if (stage_ == Stage::kReading) {
    status = Read();
  } else if (stage_ == Stage::kWriting) {
    status = Write();
  } else if (stage_ == Stage::kMerging) {
    status = Merge();
  }
  if (!status.ok()) return status;
  return stage_ == Stage::kFinished;
}

// A run ends once the entries fill kRunBytes. A directory with fewer needs no file at all, which is the usual case. To
// sort a run is the longest thing that a step does, and kRunBytes bounds it. The memory is estimated: a short name lies
// within its std::string, and is counted twice.
absl::Status Listing::Read() {
  const size_t before = entries_.size();
  const absl::StatusOr<bool> has_more = directory_.Read(kNamesPerStep, entries_);
  if (!has_more.ok()) return has_more.status();
  for (size_t i = before; i < entries_.size(); ++i) entries_bytes_ += kEntryBytes + entries_[i].name.size();
  if (*has_more) return entries_bytes_ < kRunBytes ? absl::OkStatus() : EndRun();
  if (!runs_.empty()) return StartMerging();
  Sort();  // They all fit.
  stage_ = Stage::kWriting;
  return absl::OkStatus();
}

// Moves the entries to the file of runs.
absl::Status Listing::EndRun() {
  // Made only now: most listings never need it. All runs then follow each other in one file, and cost one descriptor.
  if (!runs_file_.ok()) {
    absl::StatusOr<UniqueFd> file = OpenTemporary();
    if (!file.ok()) return file.status();
    runs_file_ = *std::move(file);
  }
  Sort();
  std::string bytes;
  for (const Library::Entry& entry : entries_) {
    const Record record = {entry.size, entry.mtime, static_cast<uint16_t>(entry.name.size()), entry.is_directory};
    bytes.append(reinterpret_cast<const char*>(&record), sizeof(record));
    bytes.append(entry.name);
  }
  if (absl::Status status = WriteAll(runs_file_.get(), bytes); !status.ok()) return status;
  const int64_t end = runs_file_bytes_ + static_cast<int64_t>(bytes.size());
  runs_.push_back(std::make_unique<Run>(runs_file_.get(), std::exchange(runs_file_bytes_, end), end));
  entries_.clear();
  entries_bytes_ = 0;
  return absl::OkStatus();
}

void Listing::Sort() {
  std::sort(entries_.begin(), entries_.end(),
            [this](const Library::Entry& a, const Library::Entry& b) { return ComesFirst(a, b, order_); });
}

bool Listing::ComesLast(const std::unique_ptr<Run>& a, const std::unique_ptr<Run>& b) const {
  return ComesFirst(b->entry(), a->entry(), order_);
}

// The last run goes to the file as well, so that the merge knows one kind of run. The entries are freed before the runs
// allocate their buffers.
absl::Status Listing::StartMerging() {
  if (absl::Status status = EndRun(); !status.ok()) return status;
  entries_ = {};
  std::vector<std::unique_ptr<Run>> runs;
  for (std::unique_ptr<Run>& run : runs_) {
    const absl::StatusOr<bool> has_entry = run->Next();
    if (!has_entry.ok()) return has_entry.status();
    if (*has_entry) runs.push_back(std::move(run));
  }
  runs_ = std::move(runs);
  std::make_heap(runs_.begin(), runs_.end(), [this](const auto& a, const auto& b) { return ComesLast(a, b); });
  stage_ = Stage::kMerging;
  return absl::OkStatus();
}

// The usual case: everything is in memory, and was sorted at the end of the reading.
absl::Status Listing::Write() {
  const size_t end = std::min(written_ + kNamesPerStep, entries_.size());
  for (; written_ < end; ++written_) {
    if (absl::Status status = Append(entries_[written_]); !status.ok()) return status;
  }
  return written_ == entries_.size() ? Finish() : absl::OkStatus();
}

// One heap over all runs, rather than several passes: each run costs kReadBytes of memory, and a million files make
// some three hundred runs. pop_heap() moves the run with the first name to the back. From there it returns with its
// next entry, or leaves.
absl::Status Listing::Merge() {
  const auto comes_last = [this](const auto& a, const auto& b) { return ComesLast(a, b); };
  for (int i = 0; i < kNamesPerStep && !runs_.empty(); ++i) {
    std::pop_heap(runs_.begin(), runs_.end(), comes_last);
    if (absl::Status status = Append(runs_.back()->entry()); !status.ok()) return status;
    const absl::StatusOr<bool> has_entry = runs_.back()->Next();
    if (!has_entry.ok()) return has_entry.status();
    if (*has_entry) {
      std::push_heap(runs_.begin(), runs_.end(), comes_last);
    } else {
      runs_.pop_back();
    }
  }
  return runs_.empty() ? Finish() : absl::OkStatus();
}

absl::Status Listing::Append(const Library::Entry& entry) {
  format_(entry, text_);
  return text_.size() > kMaxTextBytes ? FlushText() : absl::OkStatus();
}

// The text moves to a file so that a client which reads slowly costs a descriptor, not the memory of a whole listing.
absl::Status Listing::FlushText() {
  if (file_ == nullptr) {
    absl::StatusOr<UniqueFd> file = OpenTemporary();
    if (!file.ok()) return file.status();
    file_ = std::make_shared<const UniqueFd>(*std::move(file));
  }
  if (absl::Status status = WriteAll(file_->get(), text_); !status.ok()) return status;
  file_bytes_ += static_cast<int64_t>(text_.size());
  // Keeps the memory for the next piece of the text; Finish() gives it back.
  text_.clear();
  return absl::OkStatus();
}

// A text that never grew past kMaxTextBytes stays in memory; if a file was begun, the rest follows it there.
absl::Status Listing::Finish() {
  stage_ = Stage::kFinished;
  // A slow reader may keep the finished listing for long: of all the memory only the text must stay.
  entries_ = {};
  runs_file_.reset();
  if (file_ == nullptr) return absl::OkStatus();
  absl::Status status = FlushText();
  text_ = std::string();
  return status;
}

}  // namespace polyserve
