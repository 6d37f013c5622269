// The calls about files, descriptors and memory: each asks Decide() first.
#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

#include "tests/next_call.h"
#include "tools/faulting/shim/fault.h"

namespace {

using faulting::Answer;
using faulting::Call;
using faulting::Decide;
using faulting::Fail;
using faulting::Move;
using faulting::ReturnError;
using polyserve::NextCall;

const NextCall<"close", decltype(::close)> next_close;
const NextCall<"dup", decltype(::dup)> next_dup;
const NextCall<"dup2", decltype(::dup2)> next_dup2;
const NextCall<"dup3", decltype(::dup3)> next_dup3;
const NextCall<"eventfd", decltype(::eventfd)> next_eventfd;
const NextCall<"fcntl", decltype(::fcntl)> next_fcntl;
const NextCall<"fdopendir", decltype(::fdopendir)> next_fdopendir;
const NextCall<"flock", decltype(::flock)> next_flock;
const NextCall<"fstat", decltype(::fstat)> next_fstat;
const NextCall<"fstatat", decltype(::fstatat)> next_fstatat;
const NextCall<"fstatvfs", decltype(::fstatvfs)> next_fstatvfs;
const NextCall<"fsync", decltype(::fsync)> next_fsync;
const NextCall<"ftruncate", decltype(::ftruncate)> next_ftruncate;
const NextCall<"linkat", decltype(::linkat)> next_linkat;
const NextCall<"memfd_create", decltype(::memfd_create)> next_memfd_create;
const NextCall<"mkdirat", decltype(::mkdirat)> next_mkdirat;
const NextCall<"mmap", decltype(::mmap)> next_mmap;
const NextCall<"open", decltype(::open)> next_open;
const NextCall<"openat", decltype(::openat)> next_openat;
const NextCall<"pipe2", decltype(::pipe2)> next_pipe2;
const NextCall<"posix_fallocate", decltype(::posix_fallocate)> next_posix_fallocate;
const NextCall<"pread", decltype(::pread)> next_pread;
const NextCall<"preadv2", decltype(::preadv2)> next_preadv2;
const NextCall<"pwrite", decltype(::pwrite)> next_pwrite;
const NextCall<"read", decltype(::read)> next_read;
const NextCall<"readdir", decltype(::readdir)> next_readdir;
const NextCall<"renameat", decltype(::renameat)> next_renameat;
const NextCall<"unlinkat", decltype(::unlinkat)> next_unlinkat;
const NextCall<"write", decltype(::write)> next_write;

bool TakesMode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

}  // namespace

extern "C" {

// The descriptor is gone even if the call fails, as in Linux.
int close(int fd) {
  const Answer answer = Decide(Call::kClose, {.fd = fd});
  const int result = next_close(fd);
  if (result != 0 && errno == EBADF) faulting::NoteBadClose();
  if (answer.verb != Answer::Verb::kFail) return result;
  errno = answer.error;
  return -1;
}

int dup(int fd) noexcept {
  return Fail(Call::kDup, {}, [&] { return next_dup(fd); });
}

int dup2(int fd, int to) noexcept {
  return Fail(Call::kDup, {}, [&] { return next_dup2(fd, to); });
}

int dup3(int fd, int to, int flags) noexcept {
  return Fail(Call::kDup, {}, [&] { return next_dup3(fd, to, flags); });
}

int eventfd(unsigned value, int flags) noexcept {
  return Fail(Call::kEventfd, {}, [&] { return next_eventfd(value, flags); });
}

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  void* const argument = va_arg(list, void*);
  va_end(list);
  const auto real = [&] { return next_fcntl(fd, command, argument); };
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return Fail(Call::kDup, {}, real);
    case F_SETLK:
    case F_OFD_SETLK:
      return Fail(Call::kLock, {.fd = fd, .may_wait = false}, real);
    case F_SETLKW:
    case F_OFD_SETLKW:
      return Fail(Call::kLock, {.fd = fd}, real);
    default:
      return real();
  }
}

DIR* fdopendir(int fd) {
  const Answer answer = Decide(Call::kFdopendir, {.fd = fd});
  if (answer.verb != Answer::Verb::kFail) return next_fdopendir(fd);
  errno = answer.error;
  return nullptr;
}

int flock(int fd, int operation) noexcept {
  return Fail(Call::kFlock, {.fd = fd, .may_wait = (operation & LOCK_NB) == 0},
              [&] { return next_flock(fd, operation); });
}

int fstat(int fd, struct stat* info) noexcept {
  return Fail(Call::kFstat, {.fd = fd}, [&] { return next_fstat(fd, info); });
}

int fstatat(int fd, const char* path, struct stat* info, int flags) noexcept {
  return Fail(Call::kFstatat, {}, [&] { return next_fstatat(fd, path, info, flags); });
}

int fstatvfs(int fd, struct statvfs* info) noexcept {
  return Fail(Call::kFstatvfs, {.fd = fd}, [&] { return next_fstatvfs(fd, info); });
}

int fsync(int fd) {
  return Fail(Call::kFsync, {.fd = fd}, [&] { return next_fsync(fd); });
}

int ftruncate(int fd, off_t size) noexcept {
  return Fail(Call::kFtruncate, {.fd = fd}, [&] { return next_ftruncate(fd, size); });
}

int linkat(int from, const char* old_name, int to, const char* name, int flags) noexcept {
  return Fail(Call::kLinkat, {}, [&] { return next_linkat(from, old_name, to, name, flags); });
}

int memfd_create(const char* name, unsigned flags) noexcept {
  return Fail(Call::kMemfdCreate, {}, [&] { return next_memfd_create(name, flags); });
}

int mkdirat(int fd, const char* path, mode_t mode) noexcept {
  return Fail(Call::kMkdirat, {}, [&] { return next_mkdirat(fd, path, mode); });
}

void* mmap(void* place, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  const Answer answer = Decide(Call::kMmap, {});
  if (answer.verb != Answer::Verb::kFail) return next_mmap(place, size, protection, flags, fd, offset);
  errno = answer.error;
  return MAP_FAILED;
}

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = TakesMode(flags) ? va_arg(list, mode_t) : 0;
  va_end(list);
  return Fail(Call::kOpen, {}, [&] { return next_open(path, flags, mode); });
}

int openat(int directory, const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = TakesMode(flags) ? va_arg(list, mode_t) : 0;
  va_end(list);
  return Fail(Call::kOpenat, {}, [&] { return next_openat(directory, path, flags, mode); });
}

int pipe2(int fds[2], int flags) noexcept {
  return Fail(Call::kPipe, {}, [&] { return next_pipe2(fds, flags); });
}

int pipe(int fds[2]) noexcept { return pipe2(fds, 0); }

int posix_fallocate(int fd, off_t offset, off_t size) {
  return ReturnError(Call::kPosixFallocate, {.fd = fd}, [&] { return next_posix_fallocate(fd, offset, size); });
}

ssize_t read(int fd, void* bytes, size_t size) {
  return Move(Call::kRead, {.fd = fd}, size, [&](size_t some) { return next_read(fd, bytes, some); });
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  return Move(Call::kRead, {.fd = fd}, size, [&](size_t some) { return next_pread(fd, bytes, some, offset); });
}

// With RWF_NOWAIT it may say EAGAIN of a file, too.
ssize_t preadv2(int fd, const iovec* vectors, int count, off_t offset, int flags) {
  return Fail(Call::kRead, {.fd = fd, .may_wait = (flags & RWF_NOWAIT) == 0},
              [&] { return next_preadv2(fd, vectors, count, offset, flags); });
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return Move(Call::kWrite, {.fd = fd}, size, [&](size_t some) { return next_write(fd, bytes, some); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return Move(Call::kWrite, {.fd = fd}, size, [&](size_t some) { return next_pwrite(fd, bytes, some, offset); });
}

// The end of the directory and an error differ by errno alone.
dirent* readdir(DIR* directory) {
  const Answer answer = Decide(Call::kReaddir, {});
  if (answer.verb != Answer::Verb::kFail) return next_readdir(directory);
  errno = answer.error;
  return nullptr;
}

int renameat(int from, const char* old_name, int to, const char* name) noexcept {
  return Fail(Call::kRenameat, {}, [&] { return next_renameat(from, old_name, to, name); });
}

int unlinkat(int fd, const char* path, int flags) noexcept {
  return Fail(Call::kUnlinkat, {}, [&] { return next_unlinkat(fd, path, flags); });
}

// What a compiler makes of some of these calls with -D_FORTIFY_SOURCE: the size of the buffer comes last.
ssize_t __read_chk(int fd, void* bytes, size_t size, size_t /*room*/) {  // NOLINT(bugprone-reserved-identifier)
  return read(fd, bytes, size);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier)
ssize_t __pread_chk(int fd, void* bytes, size_t size, off_t offset, size_t /*room*/) {
  return pread(fd, bytes, size, offset);
}

int __open_2(const char* path, int flags) { return open(path, flags); }  // NOLINT(bugprone-reserved-identifier)

int __openat_2(int fd, const char* path, int flags) {  // NOLINT(bugprone-reserved-identifier)
  return openat(fd, path, flags);
}

}  // extern "C"
