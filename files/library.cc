#include "files/library.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/loop_turn.h"
#include "base/sys_error.h"
#include "files/file_errors.h"
#include "files/name.h"

namespace polyserve {

namespace {

// EAGAIN has two reasons: a directory on the path was renamed during the lookup, which the next try finds settled, or
// another program holds a lease on the file (see fcntl(2), F_SETLEASE), which can take /proc/sys/fs/lease-break-time
// (45 s) to end. A few tries tell the two apart without a wait.
constexpr int kMaxOpenTries = 8;

// Opens a path beneath a directory; EXDEV if it would lead out, EAGAIN if the file is under a lease. The kernel checks
// each step of the path as it takes it, so a link that is switched meanwhile leads nowhere else; a check of the path in
// this process could not promise that. O_NONBLOCK: neither a FIFO nor a lease may make the server wait.
// RESOLVE_NO_MAGICLINKS: no /proc link may stand in for a file. With O_PATH, openat2(2) refuses flags that mean nothing
// for it (EINVAL).
UniqueFd OpenBeneath(int directory, const std::string& path, uint64_t flags) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC | O_NONBLOCK;
  if ((flags & O_PATH) != 0) how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int tries = 1;; ++tries) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how))));
    // EINTR is retried within the same bound: open(2) can return it on slow devices and network file systems.
    if (fd.ok() || (errno != EAGAIN && errno != EINTR) || tries == kMaxOpenTries) return fd;
  }
}

// What errno says of a name. The texts are for peers, so they tell nothing of what lies outside of the root.
absl::Status NameError() {
  if (IsShortage(errno)) return ShortageError();
  switch (errno) {
    case ENOENT:
    // A file stands in the middle of the path, so beneath it there is nothing either.
    case ENOTDIR:
      return absl::NotFoundError("there is no such file");
    // EXDEV is the answer to a link that would lead out of the root, ELOOP to too many links and to a magic one
    // (openat2(2)). The peer gets the same words as for a file without permission, and cannot find out what is outside.
    case EXDEV:
    case ELOOP:
    case EACCES:
    case EPERM:
    case ENXIO:  // A socket, or a FIFO without a reader.
      return absl::PermissionDeniedError("the file is not served");
    case ENAMETOOLONG:
      return absl::InvalidArgumentError("the name is too long");
    case EAGAIN:
      return absl::UnavailableError("another program holds the file; try again");
    default:
      return SysError("cannot open the file");
  }
}

// What errno says of a call that needs no name. A shortage is told from a fault: it passes.
absl::Status LookError(absl::string_view what) { return IsShortage(errno) ? ShortageError() : SysError(what); }

// Regular files only: a device or a FIFO could block, or have an effect when it is read.
bool IsServed(const struct stat& info) { return S_ISREG(info.st_mode); }

// What a path beneath the root stands for; false, with errno set, if it is gone or leads out of the root. It does not
// open the file, so it waits for no lease and has no effect on a FIFO or a device.
bool LookAt(int root, const std::string& path, struct stat& info) {
  const UniqueFd target = OpenBeneath(root, path, O_PATH);
  return target.ok() && ::fstat(target.get(), &info) == 0;
}

}  // namespace

// RFC 9110, sections 15.5 and 15.6. WebDAV has the 507 (RFC 4918, section 11.5), and the 409 to a PUT whose directory
// is missing (section 9.7.1).
int HttpCode(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnimplemented:
      return 405;
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    case absl::StatusCode::kOutOfRange:
      return 413;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kResourceExhausted:
      return 507;
    case absl::StatusCode::kAborted:
      return 502;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

absl::StatusOr<std::shared_ptr<const Library>> Library::Open(const std::string& path, const Options& options) {
  absl::StatusOr<std::unique_ptr<Root>> root = Root::Open(path);
  if (!root.ok()) return root.status();
  return Create(*std::move(root), options);
}

// One call of openat2(2) at the start: an old kernel (ENOSYS) or a container's filter (EPERM) shows now, not at the
// first request.
absl::StatusOr<std::shared_ptr<const Library>> Library::Create(std::unique_ptr<const Root> root,
                                                               const Options& options) {
  // ENOTDIR: it is not known yet.
  if (!OpenBeneath(root->fd(), ".", O_RDONLY | O_DIRECTORY).ok() && errno != ENOTDIR) {
    return SysError("openat2 does not work here (it needs Linux 5.6, and a container that allows it)");
  }
  return std::shared_ptr<const Library>(new Library(std::move(root), options));
}

std::shared_ptr<const Library> Library::With(const Options& options) const {
  return std::shared_ptr<const Library>(new Library(root_, options));
}

absl::StatusOr<Library::File> Library::Find(absl::string_view name) const {
  if (name.empty()) return CheckName(name);
  absl::StatusOr<File> file = FindFileOrDirectory(name);
  if (file.ok() && file->is_directory) return absl::PermissionDeniedError("the name is a directory's");
  return file;
}

// The checks look at the descriptor, not at the name: what the name leads to may change between two calls, an open file
// stays the same one.
absl::StatusOr<Library::File> Library::FindFileOrDirectory(absl::string_view name) const {
  absl::StatusOr<UniqueFd> fd = OpenName(name, O_RDONLY | O_NOCTTY);
  if (!fd.ok()) return fd.status();
  struct stat info;
  if (::fstat(fd->get(), &info) != 0) return LookError("cannot look at the file");
  // One open serves both: without O_DIRECTORY, O_RDONLY opens a directory as well.
  const bool is_directory = S_ISDIR(info.st_mode);
  if (!is_directory && !IsServed(info)) return absl::PermissionDeniedError("the file is not a regular one");
  File file{StampOf(info), std::make_shared<const UniqueFd>(*std::move(fd)), is_directory};
  if (!options_.has_copies || is_directory) return file;
  if (std::optional<CopyNote> note = ReadCopyNote(file.fd->get(), file); note.has_value()) {
    file.copy = std::make_shared<const CopyNote>(*std::move(note));
  }
  return file;
}

absl::StatusOr<FileStamp> Library::Stat(absl::string_view name) const {
  if (absl::Status status = CheckNameToRead(name); !status.ok()) return status;
  struct stat info;
  if (!LookAt(root_->fd(), std::string(name), info)) return NameError();
  if (!IsServed(info)) return absl::PermissionDeniedError("the file is not a regular one");
  return StampOf(info);
}

absl::StatusOr<FileStamp> Library::Peek(absl::string_view name) const {
  const std::string path(name);
  struct stat info;
  // A name without directories that is no link lies in the root itself: one call instead of three.
  if (!absl::StrContains(name, '/')) {
    if (::fstatat(root_->fd(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return NameError();
    if (!S_ISLNK(info.st_mode)) return StampOf(info);
  }
  if (!LookAt(root_->fd(), path, info)) return NameError();
  return StampOf(info);
}

// O_NOFOLLOW with O_PATH opens a link itself (open(2)), so that even one that leads nowhere counts.
bool Library::HasName(absl::string_view name) const {
  return OpenBeneath(root_->fd(), std::string(name), O_PATH | O_NOFOLLOW).ok();
}

absl::StatusOr<UniqueFd> Library::OpenName(absl::string_view name, uint64_t flags) const {
  if (name.empty()) {
    name = ".";
  } else if (absl::Status status = CheckNameToRead(name); !status.ok()) {
    return status;
  }
  UniqueFd fd = OpenBeneath(root_->fd(), std::string(name), flags);
  if (!fd.ok()) return NameError();
  return fd;
}

absl::StatusOr<Library::Directory> Library::OpenDirectory(absl::string_view name) const {
  // Opened anew each time: a position in the directory must not be shared with others.
  absl::StatusOr<UniqueFd> fd = OpenName(name, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd.status();
  Directory::Stream stream(::fdopendir(fd->get()));
  if (stream == nullptr) return LookError("cannot list the files");
  fd->release();  // The stream closes it.
  return Directory(*this, name.empty() ? "" : absl::StrCat(name, "/"), std::move(stream));
}

// readdir(3) returns null at the end and on an error; only errno, cleared before, tells them apart. The type in the
// entry would not do: some file systems leave it out, and size and time are needed anyway. A link counts as what it
// leads to, resolved beneath the root like any name. POSIX leaves open whether
// names that are made or removed meanwhile appear.
absl::StatusOr<bool> Library::Directory::Read(int count, std::vector<Entry>& entries) {
  const int directory = ::dirfd(stream_.get());
  for (int i = 0; i < count; ++i) {
    errno = 0;
    const dirent* entry = ::readdir(stream_.get());
    if (entry == nullptr && errno != 0) return SysError("cannot list the files");
    if (entry == nullptr) return false;
    if (!CheckName(entry->d_name).ok()) continue;
    struct stat info;
    if (::fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      // A listing without files that are there would be wrong.
      if (IsShortage(errno) || errno == EIO) return LookError("cannot list the files");
      continue;  // Gone meanwhile, or nothing that the server may look at.
    }
    // Links are looked up from the root, not from this directory: RESOLVE_BENEATH would refuse one that leads to a
    // neighbour directory.
    const int root = library_->root_->fd();
    const bool is_link = S_ISLNK(info.st_mode);
    if (is_link && !LookAt(root, absl::StrCat(prefix_, entry->d_name), info)) continue;
    const bool is_directory = S_ISDIR(info.st_mode);
    if (!is_directory && !IsServed(info)) continue;
    entries.push_back({entry->d_name, info.st_size, info.st_mtim.tv_sec, is_directory, is_link});
  }
  return true;
}

// Everything that can be refused is refused before a byte of content is read. Only Store() decides, though: what is
// true of the name and the space now may have changed by then.
absl::StatusOr<std::unique_ptr<Upload>> Library::StartUpload(absl::string_view name, int64_t size) const {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  if (options_.read_only) return absl::UnimplementedError("the library is read-only");
  if (size > options_.max_file_bytes) {
    return absl::OutOfRangeError(absl::StrCat("files may have at most ", options_.max_file_bytes, " bytes"));
  }

  const size_t slash = name.rfind('/');
  const std::string parent(slash == absl::string_view::npos ? "." : name.substr(0, slash));
  std::string base(slash == absl::string_view::npos ? name : name.substr(slash + 1));
  UniqueFd lock;
  UniqueFd directory = OpenBeneath(root_->fd(), parent, O_RDONLY | O_DIRECTORY);
  const bool is_durable = options_.durability == Durability::kFsync;
  // Files may be put into a directory that can't be read, but not its lock. Nor can it be synced.
  if (!directory.ok() && errno == EACCES && !is_durable) {
    directory = OpenBeneath(root_->fd(), parent, O_PATH | O_DIRECTORY);
    lock = OpenBeneath(root_->fd(), ".", O_RDONLY | O_DIRECTORY);
  }
  if (!directory.ok() && (errno == ENOENT || errno == ENOTDIR)) {
    return absl::FailedPreconditionError("the directory is not there");
  }
  if (!directory.ok()) return NameError();

  // From here on a descriptor and a name without a slash are enough: such a name can lead elsewhere only if it is a
  // link. A link is refused here, and one that is made later is replaced by the renaming, not followed (rename(2)).
  struct stat old = {};
  if (::fstatat(directory.get(), base.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISDIR(old.st_mode)) return absl::FailedPreconditionError("a directory has this name");
    if (!IsServed(old)) return absl::PermissionDeniedError("the name is not a regular file's");
  }
  if (options_.quota != nullptr && !options_.quota->HasRoomFor(size - old.st_size)) return QuotaError();

  absl::StatusOr<std::unique_ptr<Upload>> started =
      Upload::Start(std::move(directory), std::move(lock), std::move(base));
  if (!started.ok()) return started.status();
  std::unique_ptr<Upload> upload = *std::move(started);
  upload->HoldTo(options_.quota, old.st_size);
  if (is_durable) upload->MakeDurable();

  // Said at once, so that a peer need not send in vain; space that others take meanwhile is noticed by Append().
  if (upload->IsKnownNotToFit(size)) return absl::ResourceExhaustedError("there is no space left for the file");
  return upload;
}

// mkdirat(2) first, and a look only if it fails: a look before it would be out of date by the time of the call. O_PATH
// is enough to make a name in a directory, and does not require that it can be read; only fsync(2) does. A directory
// that is there already may not be on the disk yet, so it is synced as well.
absl::Status Library::MakeDirectory(absl::string_view name) const {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  if (options_.read_only) return absl::UnimplementedError("the library is read-only");
  const size_t slash = name.rfind('/');
  const std::string parent(slash == absl::string_view::npos ? "." : name.substr(0, slash));
  const std::string base(slash == absl::string_view::npos ? name : name.substr(slash + 1));
  const bool is_durable = options_.durability == Durability::kFsync;
  const UniqueFd directory = OpenBeneath(root_->fd(), parent, (is_durable ? O_RDONLY : O_PATH) | O_DIRECTORY);
  if (!directory.ok() && (errno == ENOENT || errno == ENOTDIR)) {
    return absl::FailedPreconditionError("the directory is not there");
  }
  if (!directory.ok()) return NameError();
  if (::mkdirat(directory.get(), base.c_str(), 0777) != 0) {
    if (errno != EEXIST) return StoreError("cannot make the directory");
    struct stat old;
    const bool is_there = LookAt(root_->fd(), std::string(name), old) && S_ISDIR(old.st_mode);
    if (!is_there) return absl::FailedPreconditionError("a file has this name");
  }
  LoopTurn::Renew();
  return is_durable ? SyncToDisk(directory.get()) : absl::OkStatus();
}

// Under the lock by which uploads take their names, so that none takes this one between the look and the removal. The
// file is opened in the directory that is locked, not by the whole name, which may lead elsewhere by now.
absl::Status Library::RemoveCopy(absl::string_view name) const {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const size_t slash = name.rfind('/');
  const std::string parent(slash == absl::string_view::npos ? "." : name.substr(0, slash));
  const std::string base(slash == absl::string_view::npos ? name : name.substr(slash + 1));
  const UniqueFd directory = OpenBeneath(root_->fd(), parent, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return NameError();
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return absl::UnavailableError("another program holds the directory; try again");
  }
  const UniqueFd file = OpenBeneath(directory.get(), base, O_RDONLY | O_NOFOLLOW | O_NOCTTY);
  if (!file.ok()) return NameError();
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return LookError("cannot look at the file");
  if (!IsServed(info) || !ReadCopyNote(file.get(), StampOf(info)).has_value()) {
    return absl::FailedPreconditionError("the file is no copy");
  }
  if (::unlinkat(directory.get(), base.c_str(), 0) != 0) return StoreError("cannot remove the file");
  LoopTurn::Renew();
  if (options_.quota != nullptr) options_.quota->Add(-info.st_size);
  return absl::OkStatus();
}

}  // namespace polyserve
