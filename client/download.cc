#include "client/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
  const std::string directory = path.substr(0, path.rfind('/') + 1);  // Empty where there is no slash: npos + 1 is 0.
  return absl::StrCat(directory, ".polyserve-", ::getpid(), "-", counter.fetch_add(1), ".part");
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
    file.reset(::open(aside_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
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

absl::Status Download::Commit() {
  if (::close(file_.release()) != 0) return SysError("cannot write", path_);  // NFS tells of a full disk only now.
  if (aside_path_.empty()) return absl::OkStatus();
  if (::rename(aside_path_.c_str(), path_.c_str()) != 0) return SysError("cannot name", path_);
  aside_path_.clear();
  return absl::OkStatus();
}

}  // namespace polyserve
