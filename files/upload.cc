#include "files/upload.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/loop_turn.h"
#include "base/sys_error.h"
#include "files/file_errors.h"

namespace polyserve {

namespace {

// Calls `make` with hidden names until it does not fail for one that exists already: a server that was killed may have
// left it. Returns the name; empty if it failed, with errno set. The process and the counter keep the threads and
// processes of one server apart; another server on the same directory, perhaps in a container with the same numbers of
// processes, is met by EEXIST.
template <typename Make>
std::string MakeAside(Make make) {
  static std::atomic<unsigned> counter{0};
  while (true) {
    std::string name = absl::StrCat(".polyserve-", ::getpid(), "-", counter.fetch_add(1), ".part");
    if (make(name.c_str()) >= 0) return name;
    if (errno != EEXIST) return "";
  }
}

}  // namespace

Upload::Upload(UniqueFd directory, UniqueFd lock, std::string name, UniqueFd file, std::string aside_name)
    : directory_(std::move(directory)),
      lock_(std::move(lock)),
      name_(std::move(name)),
      file_(std::move(file)),
      aside_name_(std::move(aside_name)) {}

// O_TMPFILE fails with EISDIR if the kernel does not know it, and with EINTR on a slow file system if a signal comes
// (open(2)). The rights of a new file are 0666, less the umask of the server.
absl::StatusOr<std::unique_ptr<Upload>> Upload::Start(UniqueFd directory, UniqueFd lock, std::string name) {
  UniqueFd file;
  do {
    file.reset(::openat(directory.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
  } while (!file.ok() && errno == EINTR);
  std::string aside_name;
  if (!file.ok() && (errno == EOPNOTSUPP || errno == EISDIR)) {  // This file system has no files without a name.
    aside_name = MakeAside([&](const char* aside) {
      const int fd = ::openat(directory.get(), aside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
      file.reset(fd);
      return fd;
    });
  }
  if (!file.ok()) return StoreError("cannot make the file");
  // Not make_unique(), which cannot reach the private constructor.
  return std::unique_ptr<Upload>(
      new Upload(std::move(directory), std::move(lock), std::move(name), std::move(file), std::move(aside_name)));
}

// A file without a name needs nothing: the kernel frees it with its last descriptor, even if the server is killed.
Upload::~Upload() {
  if (!aside_name_.empty()) ::unlinkat(directory_.get(), aside_name_.c_str(), 0);
}

// One that reports no blocks at all (ramfs, tmpfs without a limit, some network file systems) says nothing. f_bfree
// counts the blocks reserved for root, too: whether this process may use them only the write tells. Divided, not
// multiplied, since the free bytes of a large file system may exceed 64 bits. What is less than a block is ignored.
bool Upload::IsKnownNotToFit(int64_t size) const {
  struct statvfs space;
  if (::fstatvfs(file_.get(), &space) != 0 || space.f_frsize == 0 || space.f_blocks == 0) return false;
  return static_cast<uint64_t>(size) / space.f_frsize > static_cast<uint64_t>(space.f_bfree);
}

absl::Status Upload::Append(absl::string_view bytes) {
  bytes_ += static_cast<int64_t>(bytes.size());
  if (quota_ != nullptr && !quota_->HasRoomFor(bytes_)) return QuotaError();
  while (!bytes.empty()) {
    // When the disk fills up or a limit is reached, a call first writes a part; only the next one fails, with the
    // reason.
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return StoreError("cannot write the file");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// The time first, since the note is of the file as it is then.
absl::Status Upload::NoteCopy(const CopyNote& note, std::optional<int64_t> mtime) {
  const timespec times[] = {{0, UTIME_OMIT}, {mtime.value_or(0), mtime.has_value() ? 0 : UTIME_OMIT}};
  if (::futimens(file_.get(), times) != 0) return StoreError("cannot set the time of the file");
  const absl::StatusOr<FileStamp> stamp = Stamp();
  return stamp.ok() ? WriteCopyNote(file_.get(), *stamp, note) : stamp.status();
}

// linkat(2) with AT_EMPTY_PATH would name the descriptor directly, but needs CAP_DAC_READ_SEARCH. By way of
// /proc/self/fd anyone may, as open(2) describes for O_TMPFILE.
bool Upload::LinkAs(const std::string& name) {
  const std::string self = absl::StrCat("/proc/self/fd/", file_.get());
  const int linked = aside_name_.empty()
                         ? ::linkat(AT_FDCWD, self.c_str(), directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW)
                         : ::linkat(directory_.get(), aside_name_.c_str(), directory_.get(), name.c_str(), 0);
  return linked == 0;
}

// Each upload has opened the directory for itself: flock(2) locks belong to the open file, so the lock is its own among
// threads and forked processes, too. The kernel keeps the locks of directories itself, even on network file systems; on
// one that refuses, uploads go without.
bool Upload::Lock() { return ::flock(lock_fd(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

absl::Status Upload::Check(const Condition& condition) const {
  bool is_there = false;
  return CheckOld(condition, is_there);
}

// The name itself counts, not what a link leads to: the renaming would replace the link, too.
absl::Status Upload::CheckOld(const Condition& condition, bool& is_there) const {
  if (condition == nullptr) return absl::OkStatus();
  struct stat info;
  is_there = ::fstatat(directory_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && S_ISDIR(info.st_mode)) return absl::FailedPreconditionError("a directory has this name");
  const FileStamp current = is_there ? StampOf(info) : FileStamp{};
  if (condition(is_there ? &current : nullptr)) return absl::OkStatus();
  return absl::AlreadyExistsError("the file is not in the state that the request names");
}

// The order matters for readers, and if the server is killed: first the whole content is in the file, then one system
// call gives it the name (linkat(2) for a free name, renameat(2) over an old file). At no moment does the name lead to
// a part of a file, and an old file has the name until the new one does. If power is lost, that is not enough: then the
// content must have been on the disk before it gets the name (SyncContent()), and the name before it is acknowledged.
absl::StatusOr<Upload::Stored> Upload::StoreLocked(const Condition& condition) {
  // A try fails only if a program that does not lock the directory has made a file of this name between the look and
  // the link.
  constexpr int kMaxTries = 3;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    bool is_there = false;
    if (absl::Status status = CheckOld(condition, is_there); !status.ok()) return status;
    // A link takes a free name only, so it also tells whether there is something to replace. If it fails for another
    // reason, the renaming finds it out once more. Without a condition nothing has looked before, so the link itself
    // tells.
    if (!is_there && TakeFreeName()) return Stored::kNew;
    if (!is_there && condition != nullptr && errno == EEXIST) continue;  // A program without the lock was quicker.
    if (absl::Status status = Replace(); !status.ok()) return status;
    return Stored::kReplaced;
  }
  return absl::UnavailableError("other programs change the file; try again");
}

// With the lock, so that no other upload changes what this one replaces. A process that is killed between the count and
// the name leaves too high a count.
absl::StatusOr<Upload::Stored> Upload::StoreCounted(const Condition& condition) {
  if (quota_ == nullptr) return StoreLocked(condition);
  const int64_t growth = Growth();
  if (!quota_->Add(growth)) return QuotaError();
  absl::StatusOr<Stored> stored = StoreLocked(condition);
  if (!stored.ok()) quota_->Add(-growth);
  return stored;
}

// Without the lock, since it takes long; once, however often Store() is called.
absl::Status Upload::SyncContent() {
  if (!is_durable_ || is_synced_) return absl::OkStatus();
  is_synced_ = true;
  return SyncToDisk(file_.get());
}

// The lock is free before the directory is synced, so that uploads into it wait for the disk together.
absl::StatusOr<Upload::Stored> Upload::Store(const Condition& condition) {
  if (absl::Status status = SyncContent(); !status.ok()) return status;
  if (!Lock()) return absl::UnavailableError("another program holds the directory; try again");
  absl::StatusOr<Stored> stored = StoreCounted(condition);
  LoopTurn::Renew();
  if (!stored.ok() || !is_durable_) return stored;
  ::flock(lock_fd(), LOCK_UN);
  if (absl::Status status = SyncToDisk(directory_.get()); !status.ok()) return status;
  return stored;
}

int64_t Upload::Growth() const {
  struct stat own;
  struct stat old;
  if (::fstat(file_.get(), &own) != 0) return 0;
  const bool is_there = ::fstatat(directory_.get(), name_.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
  return own.st_size - (is_there && S_ISREG(old.st_mode) ? old.st_size : 0);
}

bool Upload::TakeFreeName() {
  if (!LinkAs(name_)) return false;
  if (aside_name_.empty()) return true;
  ::unlinkat(directory_.get(), aside_name_.c_str(), 0);  // Now, since it changes the stamp.
  aside_name_.clear();
  return true;
}

// A file without a name cannot be renamed, and a link cannot replace: hence the hidden name for a moment. If the server
// is killed at that moment, the hidden file remains; it is never served, and MakeAside() passes over its name.
absl::Status Upload::Replace() {
  if (aside_name_.empty()) {
    aside_name_ = MakeAside([&](const char* name) { return LinkAs(name) ? 0 : -1; });
    if (aside_name_.empty()) return StoreError("cannot name the file");
  }
  // renameat(2) replaces a file atomically: another process that opens the name finds the old one or the new one, never
  // none.
  if (::renameat(directory_.get(), aside_name_.c_str(), directory_.get(), name_.c_str()) != 0) {
    return StoreError("cannot name the file");
  }
  aside_name_.clear();
  return absl::OkStatus();
}

absl::StatusOr<FileStamp> Upload::Stamp() const {
  struct stat info;
  if (::fstat(file_.get(), &info) != 0) return SysError("cannot look at the file");
  return StampOf(info);
}

}  // namespace polyserve
