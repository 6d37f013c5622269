// A disk that forgets what was not flushed: a library that is loaded before the C library (LD_PRELOAD), and takes the
// place of fsync(2). In the directory that POLYSERVE_DISK names it keeps what would be left if power were lost now:
//
//   file-INODE        the content of the file when it was last synced
//   directory-INODE   a line for each name in the directory when that was last synced: "INODE NAME"
//   calls             a line for each call that matters, in the order in which they were made: "write", "sync content",
//                     "name", "sync directory"
//   pin-INODE         one more name of each file that was synced
//   stuck             made by a test: while it is there, the disk takes its time, and no fsync(2) returns
//
// Nothing is written to the real disk, and nothing that a file system does by itself is known: it would only save more.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "tests/next_call.h"

namespace {

using polyserve::NextCall;

const char* Disk() { return std::getenv("POLYSERVE_DISK"); }

std::string PathOf(const std::string& name) { return std::string(Disk()) + "/" + name; }

const NextCall<"fsync", decltype(::fsync)> next_fsync;
const NextCall<"linkat", decltype(::linkat)> next_linkat;
const NextCall<"renameat", decltype(::renameat)> next_renameat;
const NextCall<"write", decltype(::write)> next_write;

// By the C library's own call: the one of this library notes itself.
void WriteAll(int fd, const char* bytes, size_t count) {
  if (next_write(fd, bytes, count) != static_cast<ssize_t>(count)) std::abort();
}

// One write in append mode: the lines of all processes stand one behind the other.
void Note(const std::string& call) {
  const int fd = ::open(PathOf("calls").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) std::abort();
  WriteAll(fd, (call + "\n").c_str(), call.size() + 1);
  ::close(fd);
}

// Under its final name as a whole: the test may look at any moment, and the server may be killed.
void Keep(const std::string& name, const std::string& bytes) {
  const std::string aside = PathOf(name + "." + std::to_string(::gettid()));
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) std::abort();
  WriteAll(fd, bytes.data(), bytes.size());
  ::close(fd);
  if (::rename(aside.c_str(), PathOf(name).c_str()) != 0) std::abort();
}

// The server may have opened it for writing alone.
std::string ContentOf(int fd) {
  const int file = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) std::abort();
  std::string content;
  char bytes[65536];
  for (ssize_t count; (count = ::read(file, bytes, sizeof(bytes))) > 0;) content.append(bytes, count);
  ::close(file);
  return content;
}

// One more name, so that the number of the file never becomes that of another one, which a file system with a journal
// would not allow either as long as a name on the disk leads to it. That there is one already is no error.
void Pin(int fd, const std::string& name) {
  const std::string file = "/proc/self/fd/" + std::to_string(fd);
  if (next_linkat(AT_FDCWD, file.c_str(), AT_FDCWD, PathOf(name).c_str(), AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST) {
    std::abort();
  }
}

std::string NamesIn(int fd) {
  DIR* const stream = ::fdopendir(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (stream == nullptr) std::abort();
  std::string lines;
  while (const dirent* entry = ::readdir(stream)) lines += std::to_string(entry->d_ino) + " " + entry->d_name + "\n";
  ::closedir(stream);
  return lines;
}

// The names are read and kept under a lock, so that no older state comes to stand for a newer one.
void KeepDirectory(int fd, ino_t inode) {
  const int lock = ::open(PathOf("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) std::abort();
  Keep("directory-" + std::to_string(inode), NamesIn(fd));
  ::close(lock);
}

void AwaitDisk() {
  const timespec pause = {0, 1'000'000};
  while (::access(PathOf("stuck").c_str(), F_OK) == 0) ::nanosleep(&pause, nullptr);
}

}  // namespace

extern "C" {

int fsync(int fd) {
  struct stat info;
  if (Disk() == nullptr || ::fstat(fd, &info) != 0) return next_fsync(fd);
  AwaitDisk();
  if (S_ISDIR(info.st_mode)) {
    KeepDirectory(fd, info.st_ino);
    Note("sync directory");
  } else {
    Keep("file-" + std::to_string(info.st_ino), ContentOf(fd));
    Pin(fd, "pin-" + std::to_string(info.st_ino));
    Note("sync content");
  }
  return 0;
}

// Uploads are files that are written from the beginning on; logs are appended to.
ssize_t write(int fd, const void* bytes, size_t count) {
  const ssize_t written = next_write(fd, bytes, count);
  struct stat info;
  const bool is_upload = written > 0 && Disk() != nullptr && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                         (::fcntl(fd, F_GETFL) & O_APPEND) == 0;
  if (is_upload) Note("write");
  return written;
}

int linkat(int from, const char* old_name, int to, const char* name, int flags) {
  const int result = next_linkat(from, old_name, to, name, flags);
  if (result == 0 && Disk() != nullptr) Note("name");
  return result;
}

int renameat(int from, const char* old_name, int to, const char* name) {
  const int result = next_renameat(from, old_name, to, name);
  if (result == 0 && Disk() != nullptr) Note("name");
  return result;
}

}  // extern "C"
