#include "client/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// The file that the path leads to through symbolic links, so that the link survives and its target is replaced; the
// path itself if nothing is there yet, or if the link leads nowhere.
std::string Resolve(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), &::free);
  return resolved == nullptr ? path : resolved.get();
}

// In the directory of the file, since rename(2) does not work across file systems. Hidden, so that a backup of the
// directory leaves it out; the number keeps the downloads of one process apart, the process id those of several.
std::string AsidePath(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  const std::string directory = path.substr(0, path.rfind('/') + 1);  // Empty if there is no slash: npos + 1 is 0.
  return absl::StrCat(directory, ".polyserve-", ::getpid(), "-", counter.fetch_add(1), ".part");
}

// The same for every attempt to fetch this file.
std::string LastingAsidePath(const std::string& path) {
  const size_t base = path.rfind('/') + 1;
  return absl::StrCat(path.substr(0, base), ".", path.substr(base), ".polyserve-part");
}

// Opens the file that the attempts share, for this process alone. The name is known beforehand, and the directory may
// be everyone's: a link, or a file that another user has put there, must not be written to.
absl::StatusOr<UniqueFd> OpenLasting(const std::string& aside_path, mode_t mode) {
  while (true) {
    UniqueFd file(::open(aside_path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode));
    if (!file.ok()) return SysError("cannot make", aside_path);
    struct stat opened, named;
    if (::fstat(file.get(), &opened) != 0) return SysError("cannot look at", aside_path);
    if (!S_ISREG(opened.st_mode) || opened.st_uid != ::geteuid()) {
      return absl::FailedPreconditionError(absl::StrCat(aside_path, " is no file of yours"));
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return absl::FailedPreconditionError("another process is fetching it");
      return SysError("cannot lock", aside_path);
    }
    // Another process may have completed the file, and renamed it, before the lock was taken: it is the user's by now.
    const bool is_named = ::lstat(aside_path.c_str(), &named) == 0;
    if (is_named && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino) return file;
  }
}

// Gives a file the access list (acl(5)) of another one; if that has none, removes the one that a default list of the
// directory has given it. Returns false if it cannot. ENOTSUP: the file system knows no access lists, so neither file
// has one. The kernel stores lists of at most 64 KiB; one that does not fit in 4 KiB (some 500 entries) is not copied.
bool CopyAccessList(const std::string& from, int to) {
  constexpr char kName[] = "system.posix_acl_access";
  char list[4096];
  const ssize_t size = ::getxattr(from.c_str(), kName, list, sizeof(list));
  if (size >= 0) return ::fsetxattr(to, kName, list, static_cast<size_t>(size), 0) == 0;
  return errno == ENOTSUP || (errno == ENODATA && (::fremovexattr(to, kName) == 0 || errno == ENODATA));
}

}  // namespace

Download::Download(UniqueFd file, std::string path, std::string aside_path)
    : file_(std::move(file)), path_(std::move(path)), aside_path_(std::move(aside_path)) {}

// The source must be left without a name, or its destructor would remove the file that this object goes on writing. A
// moved-from string need not be empty, hence exchange().
Download::Download(Download&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      aside_path_(std::exchange(other.aside_path_, std::string())),
      stays_(other.stays_),
      date_(other.date_) {}

// An empty part is of no use to anyone.
Download::~Download() {
  if (aside_path_.empty()) return;
  if (!stays_ || size().value_or(0) == 0) {
    ::unlink(aside_path_.c_str());
  } else if (date_.has_value()) {
    const timespec times[] = {{0, UTIME_OMIT}, {static_cast<time_t>(*date_), 0}};
    ::futimens(file_.get(), times);
  }
}

absl::StatusOr<Download> Download::Start(const std::string& path) {
  struct stat old;
  const bool is_there = ::stat(path.c_str(), &old) == 0;
  if (is_there && S_ISDIR(old.st_mode)) return absl::FailedPreconditionError("a directory has this name here");
  if (is_there && !S_ISREG(old.st_mode)) {
    // Neither created nor truncated. A FIFO blocks here until it has a reader (fifo(7)), as it would for the shell's
    // ">". O_NOCTTY: writing to a terminal must not make it the controlling one of a process that has none (open(2)).
    UniqueFd device(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!device.ok()) return SysError("cannot write to", path);
    return Download(std::move(device), path, "");
  }
  std::string target = Resolve(path);
  std::string aside_path;
  UniqueFd file;
  // A name that exists was left by a killed process of the same number. O_EXCL also refuses a symbolic link
  // that another user of the directory has put there.
  do {
    aside_path = AsidePath(target);
    // The file to be replaced may be private, and a part of it is as private: other users must not be able to open the
    // new file before TakeOverRights() has decided, since a descriptor that is open cannot be taken back.
    file.reset(::open(aside_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, is_there ? 0600 : 0666));
  } while (!file.ok() && errno == EEXIST);
  if (!file.ok()) return SysError("cannot make a file for", path);
  return Download(std::move(file), std::move(target), std::move(aside_path));
}

// O_CREAT gives a new file its mode only once, so an old part is made private here if the file to be replaced may be.
absl::StatusOr<Download> Download::Continue(const std::string& path) {
  struct stat old;
  const bool is_there = ::stat(path.c_str(), &old) == 0;
  if (is_there && S_ISDIR(old.st_mode)) return absl::FailedPreconditionError("a directory has this name here");
  if (is_there && !S_ISREG(old.st_mode)) return absl::InvalidArgumentError("only a file can be continued");
  std::string target = Resolve(path);
  std::string aside_path = LastingAsidePath(target);
  absl::StatusOr<UniqueFd> file = OpenLasting(aside_path, is_there ? 0600 : 0666);
  if (!file.ok()) return file.status();
  if (is_there && ::fchmod(file->get(), 0600) != 0) return SysError("cannot protect", aside_path);
  Download download(*std::move(file), std::move(target), std::move(aside_path));
  download.stays_ = true;
  return download;
}

// A copy of the descriptor, because Commit() closes its own, and the program may still have something to print.
absl::StatusOr<Download> Download::ToStandardOutput() {
  UniqueFd copy(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!copy.ok()) return SysError("cannot write to", "standard output");
  return Download(std::move(copy), "standard output", "");
}

absl::StatusOr<int64_t> Download::size() const {
  struct stat own;
  if (::fstat(file_.get(), &own) != 0) return SysError("cannot look at", path_);
  return own.st_size;
}

absl::StatusOr<int64_t> Download::date() const {
  struct stat own;
  if (::fstat(file_.get(), &own) != 0) return SysError("cannot look at", path_);
  return own.st_mtim.tv_sec;
}

absl::Status Download::Clear() {
  return ::ftruncate(file_.get(), 0) == 0 ? absl::OkStatus() : SysError("cannot write", path_);
}

absl::Status Download::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    // A short write is no error by itself. On a full disk it is the call after it that fails, with ENOSPC (write(2)).
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SysError("cannot write", path_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// pwrite(2) does not use the position of the descriptor, so threads do not disturb each other.
absl::Status Download::WriteAt(int64_t offset, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SysError("cannot write", path_);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Download::ReadAt(int64_t offset, size_t count) const {
  std::string bytes(count, '\0');
  for (size_t done = 0; done < count;) {
    const ssize_t got = ::pread(file_.get(), &bytes[done], count - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError("cannot read", path_);
    if (got == 0) return absl::DataLossError(absl::StrCat(path_, " is shorter than what was written"));
    done += static_cast<size_t>(got);
  }
  return bytes;
}

// The order matters. fchown(2) first: it may clear the bits S_ISUID and S_ISGID, which the mode then sets if they are
// still right. The access list before the mode: with a list, the group's bits of the mode are its mask. The file that
// is replaced is looked at now, not at the start: its rights may have changed during a long transfer.
void Download::TakeOverRights() const {
  struct stat old, own;
  if (::stat(path_.c_str(), &old) != 0 || !S_ISREG(old.st_mode)) return;
  // Only root can give a file to another owner; an owner can give it to a group it belongs to. So the group is tried
  // alone if both together fail.
  if (::fchown(file_.get(), old.st_uid, old.st_gid) != 0) {
    [[maybe_unused]] const int ignored = ::fchown(file_.get(), static_cast<uid_t>(-1), old.st_gid);
  }
  if (::fstat(file_.get(), &own) != 0) return;
  // S_ISUID and S_ISGID: a program that runs with the rights of one owner must not get those of another.
  mode_t mode = old.st_mode & 07777;
  if (own.st_uid != old.st_uid) mode &= ~static_cast<mode_t>(S_ISUID);
  if (own.st_gid != old.st_gid) mode &= ~static_cast<mode_t>(S_ISGID);
  // Rights of the old group are not for another one: that gets no more than all others have.
  const bool is_same_group = own.st_gid == old.st_gid && CopyAccessList(path_, file_.get());
  if (!is_same_group) mode = (mode & ~static_cast<mode_t>(070)) | (mode & 070 & ((mode & 07) << 3));
  ::fchmod(file_.get(), mode);  // Fails only on file systems that know no modes.
}

// Until the rename has succeeded, aside_path_ stays set, so that the destructor removes the file on every way out.
// rename(2) replaces the old file in one step: another program sees the old file or the new one, whole.
absl::Status Download::Commit() {
  if (!aside_path_.empty()) TakeOverRights();
  // A second descriptor keeps the lock of Continue() until the file has its name: another process that took the lock
  // before that would write to what is then the user's file.
  const UniqueFd lock(stays_ ? ::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0) : -1);
  // NFS reports a full disk only when the file is closed. So it is closed before it takes the name.
  if (::close(file_.release()) != 0) return SysError("cannot write", path_);
  if (aside_path_.empty()) return absl::OkStatus();
  if (::rename(aside_path_.c_str(), path_.c_str()) != 0) return SysError("cannot name", path_);
  aside_path_.clear();
  return absl::OkStatus();
}

}  // namespace polyserve
