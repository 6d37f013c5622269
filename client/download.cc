#include "client/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

// Where the path leads in the end; the path itself where nothing is there yet.
std::string Resolve(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), &::free);
  return resolved == nullptr ? path : resolved.get();
}

std::string AsidePath(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  const std::string directory = path.substr(0, path.rfind('/') + 1);  // Empty if there is no slash: npos + 1 is 0.
  return absl::StrCat(directory, ".polyserve-", ::getpid(), "-", counter.fetch_add(1), ".part");
}

// Gives a file the access list of another one, or none if that has none (the directory may have made it one). False: it
// could not.
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

Download::Download(Download&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      aside_path_(std::exchange(other.aside_path_, std::string())) {}

Download::~Download() {
  if (!aside_path_.empty()) ::unlink(aside_path_.c_str());
}

absl::StatusOr<Download> Download::Start(const std::string& path) {
  struct stat old;
  const bool is_there = ::stat(path.c_str(), &old) == 0;
  if (is_there && S_ISDIR(old.st_mode)) return absl::FailedPreconditionError("a directory has this name here");
  if (is_there && !S_ISREG(old.st_mode)) {
    UniqueFd device(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!device.ok()) return SysError("cannot write to", path);
    return Download(std::move(device), path, "");
  }
  std::string target = Resolve(path);
  std::string aside_path;
  UniqueFd file;
  do {  // A name that is taken was left by a process of the same number that was killed.
    aside_path = AsidePath(target);
    // What replaces a file may be as private as that: others get no rights before it is known which.
    file.reset(::open(aside_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, is_there ? 0600 : 0666));
  } while (!file.ok() && errno == EEXIST);
  if (!file.ok()) return SysError("cannot make a file for", path);
  return Download(std::move(file), std::move(target), std::move(aside_path));
}

absl::StatusOr<Download> Download::ToStandardOutput() {
  UniqueFd copy(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!copy.ok()) return SysError("cannot write to", "standard output");
  return Download(std::move(copy), "standard output", "");
}

absl::Status Download::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SysError("cannot write", path_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

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

void Download::TakeOverRights() const {
  struct stat old, own;
  if (::stat(path_.c_str(), &old) != 0 || !S_ISREG(old.st_mode)) return;
  // An owner can be given by root alone, a group by its members: each as far as it goes.
  if (::fchown(file_.get(), old.st_uid, old.st_gid) != 0) {
    [[maybe_unused]] const int ignored = ::fchown(file_.get(), static_cast<uid_t>(-1), old.st_gid);
  }
  if (::fstat(file_.get(), &own) != 0) return;
  mode_t mode = old.st_mode & 07777;
  if (own.st_uid != old.st_uid) mode &= ~static_cast<mode_t>(S_ISUID);
  if (own.st_gid != old.st_gid) mode &= ~static_cast<mode_t>(S_ISGID);
  // Rights that were one group's are not another's, which gets no more than everybody.
  const bool is_same_group = own.st_gid == old.st_gid && CopyAccessList(path_, file_.get());
  if (!is_same_group) mode = (mode & ~static_cast<mode_t>(070)) | (mode & 070 & ((mode & 07) << 3));
  ::fchmod(file_.get(), mode);  // Fails only on file systems that know no modes.
}

absl::Status Download::Commit() {
  if (!aside_path_.empty()) TakeOverRights();
  if (::close(file_.release()) != 0) return SysError("cannot write", path_);  // NFS tells of a full disk only now.
  if (aside_path_.empty()) return absl::OkStatus();
  if (::rename(aside_path_.c_str(), path_.c_str()) != 0) return SysError("cannot name", path_);
  aside_path_.clear();
  return absl::OkStatus();
}

}  // namespace polyserve
