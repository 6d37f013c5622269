#include "backends/accept/accept_lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/shortage.h"

namespace polyserve {

namespace {

class ThreadLock : public AcceptLock {
 public:
  // Needs no care for a holder that dies: a thread dies with its process, and the mutex with both.
  bool Lock() override {
    mutex_.lock();
    return true;
  }
  void Unlock() override { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ProcessMutex : public AcceptLock {
 public:
  // Takes over the mapping that holds the mutex.
  explicit ProcessMutex(pthread_mutex_t* mutex) : mutex_(mutex) {}
  // Not pthread_mutex_destroy(): a worker that was killed may have left it locked, and destroying a locked mutex is
  // undefined (POSIX).
  ~ProcessMutex() override { ::munmap(mutex_, sizeof(*mutex_)); }

  bool Lock() override {
    const int error = ::pthread_mutex_lock(mutex_);
    // The owner has died. Nothing that the mutex guards can be half done: it guards no data, only the turn to accept.
    // Without this call the mutex would be unusable for ever after the next Unlock() (ENOTRECOVERABLE).
    if (error == EOWNERDEAD) CHECK_EQ(::pthread_mutex_consistent(mutex_), 0);
    CHECK(error == 0 || error == EOWNERDEAD) << error;
    return true;
  }
  void Unlock() override { CHECK_EQ(::pthread_mutex_unlock(mutex_), 0); }

 private:
  pthread_mutex_t* const mutex_;
};

// Makes a robust mutex in memory that processes share. Returns an error number, as the functions of pthreads do.
int InitSharedMutex(pthread_mutex_t* mutex) {
  pthread_mutexattr_t attributes;
  int error = ::pthread_mutexattr_init(&attributes);
  if (error != 0) return error;
  // By default a mutex serves the threads of one process only, and one whose owner has died stays locked for ever: a
  // worker that is killed in its turn would stop the whole pool (pthread_mutexattr_setrobust(3)).
  error = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (error == 0) error = ::pthread_mutex_init(mutex, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  return error;
}

// A process loses its record locks as soon as it closes any descriptor of the file (fcntl(2)). So each process has one
// descriptor, inherited at the fork, and keeps it until it ends. Neither flock(2) nor F_OFD_SETLKW would do: their
// locks belong to the open file, which forked processes share, so all of them would hold the lock at once.
class FileLock : public AcceptLock {
 public:
  explicit FileLock(UniqueFd file) : file_(std::move(file)) {}

  bool Lock() override { return Change(F_WRLCK); }
  // A lock that cannot be released keeps all other workers out until its owner ends.
  void Unlock() override { CHECK(Change(F_UNLCK)); }

 private:
  // Locks or unlocks the whole file. False: a signal, or the kernel has no lock left (ENOLCK).
  bool Change(short type) {
    // The zeroes of l_start and l_len: from the beginning to the end, however long the file is (fcntl(2)).
    struct flock whole_file = {};
    whole_file.l_type = type;
    whole_file.l_whence = SEEK_SET;
    if (::fcntl(file_.get(), F_SETLKW, &whole_file) == 0) return true;
    if (errno == EINTR) return false;
    LOG_EVERY_T(WARNING, kSecondsBetweenShortageLogs) << SysError("fcntl(F_SETLKW)").message() << "; trying again";
    PauseForShortage();
    return false;
  }

  const UniqueFd file_;
};

}  // namespace

std::unique_ptr<AcceptLock> MakeThreadLock() { return std::make_unique<ThreadLock>(); }

absl::StatusOr<std::unique_ptr<AcceptLock>> MakeProcessMutex() {
  // Shared: the kernel copies the pages of a private mapping when a process writes to them after the fork, so each
  // process would lock a mutex of its own. Anonymous: no file is left behind, and only descendants can reach it.
  void* memory = ::mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  auto* mutex = static_cast<pthread_mutex_t*>(memory);
  // SysError() reads errno, which pthreads do not set.
  errno = InitSharedMutex(mutex);
  if (errno == 0) return std::make_unique<ProcessMutex>(mutex);
  const absl::Status status = SysError("a mutex that processes share");
  ::munmap(memory, sizeof(pthread_mutex_t));
  return status;
}

absl::StatusOr<std::unique_ptr<AcceptLock>> MakeFileLock() {
  // A file without a name: no path has to be chosen, or removed in the end (memfd_create(2)).
  UniqueFd file(::memfd_create("polyserve-accept-lock", MFD_CLOEXEC));
  if (!file.ok()) return SysError("memfd_create");
  return std::make_unique<FileLock>(std::move(file));
}

}  // namespace polyserve
