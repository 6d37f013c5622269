#include "trace/trace.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

// The first byte of the program in memory, by the linker (ld(1), SEGMENT_START); addresses in the file count from it.
extern "C" const char __executable_start;  // NOLINT(bugprone-reserved-identifier): the linker's name.
extern "C" const char etext;               // The first byte behind its code (end(3)).

namespace polyserve {

namespace {

constexpr off_t kHeaderBytes = 4096;  // The header and the first records: a page.
constexpr char kMagic[8] = {'P', 'S', 'T', 'R', 'A', 'C', 'E', '2'};

// Of this thread. In a child that was forked the numbers are the parent's, until Forget() has run.
thread_local int32_t t_tid = 0;
thread_local uint32_t t_skipped = 0;
int32_t g_pid = 0;

// In the child, after fork(2): its only thread is a copy of the one that forked.
void Forget() {
  g_pid = ::getpid();
  t_tid = 0;
  t_skipped = 0;
}

// Of the peer at the other end of a connection of the network; 0: there is none.
uint16_t PortOfPeer(int fd) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return 0;
}

uint32_t Offset(const void* address) {
  return static_cast<uint32_t>(static_cast<const char*>(address) - &__executable_start);
}

#ifdef POLYSERVE_FRAME_POINTERS
// What the frame pointer points at, on x86-64 and arm64 alike.
struct Frame {
  const Frame* outer;
  const char* returns_to;
};

// A library that was built without frame pointers may leave any number in place of one. So the walk ends at what cannot
// be a frame: it must lie above the last one, and near it, and return to code of this program.
void NoteCallers(const void* caller, uint32_t (&callers)[TraceRecord::kCallers]) {
  constexpr ptrdiff_t kMostFrameBytes = 65536;
  constexpr int kMostFrames = 32;
  int found = 0;
  const Frame* frame = static_cast<const Frame*>(__builtin_frame_address(0));
  for (int i = 0; i < kMostFrames && found < TraceRecord::kCallers; ++i) {
    if (frame->returns_to < &__executable_start || frame->returns_to >= &etext) return;
    // The innermost frames are the trace's own.
    if (found > 0 || frame->returns_to == caller) callers[found++] = Offset(frame->returns_to);
    const ptrdiff_t bytes = reinterpret_cast<const char*>(frame->outer) - reinterpret_cast<const char*>(frame);
    if (bytes <= 0 || bytes > kMostFrameBytes || bytes % static_cast<ptrdiff_t>(alignof(Frame)) != 0) return;
    frame = frame->outer;
  }
}
#else
void NoteCallers(const void*, uint32_t (&)[TraceRecord::kCallers]) {}
#endif

}  // namespace

// The file. `next` counts on when the file is full, so that a reader knows how many records are missing.
struct Trace::Table {
  char magic[8];
  uint32_t record_bytes;
  uint32_t unused;
  uint64_t most;
  std::atomic<uint64_t> next;
  TraceRecord records[kMostRecords];
};

Trace::Table* Trace::table_ = nullptr;

absl::Status Trace::Open(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.ok()) return SysError("open", path);
  // A hole: pages that are never written to take no room on the disk. If the disk is full, a write to a new page is a
  // SIGBUS; the room for the header, at least, is asked for here.
  if (::ftruncate(file.get(), sizeof(Table)) != 0) return SysError("ftruncate", path);
  if (const int error = ::posix_fallocate(file.get(), 0, kHeaderBytes); error != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("no room for ", path));
  }
  if (absl::Status status = Map(file.get(), path); !status.ok()) return status;
  table_->record_bytes = sizeof(TraceRecord);
  table_->most = kMostRecords;
  std::memcpy(table_->magic, kMagic, sizeof(kMagic));
  return absl::OkStatus();
}

absl::Status Trace::Join(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.ok()) return SysError("open", path);
  struct stat facts;
  char magic[sizeof(kMagic)];
  if (::fstat(file.get(), &facts) != 0) return SysError("fstat", path);
  if (facts.st_size != sizeof(Table) || ::pread(file.get(), magic, sizeof(magic), 0) != sizeof(magic) ||
      std::memcmp(magic, kMagic, sizeof(magic)) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is no trace of a server that runs"));
  }
  if (absl::Status status = Map(file.get(), path); !status.ok()) return status;
  Note(Traced::kSpawn, Now(), -1, 0, __builtin_return_address(0));
  NoteInherited(__builtin_return_address(0));
  return absl::OkStatus();
}

absl::Status Trace::Map(int file, const std::string& path) {
  void* memory = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return SysError("mmap", path);
  Forget();
  if (::pthread_atfork(nullptr, nullptr, &Forget) != 0) return absl::ResourceExhaustedError("pthread_atfork");
  table_ = static_cast<Table*>(memory);
  return absl::OkStatus();
}

uint64_t Trace::Now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void Trace::Note(Traced kind, uint64_t begin, int fd, int64_t result, const void* caller, uint16_t port) {
  Table* const table = table_;
  if (table == nullptr) return;
  const uint64_t place = table->next.fetch_add(1, std::memory_order_relaxed);
  if (place >= kMostRecords) return;
  if (t_tid == 0) t_tid = ::gettid();
  TraceRecord& record = table->records[place];
  record.end = Now();
  record.pid = g_pid;
  record.tid = t_tid;
  record.fd = fd;
  record.result = static_cast<int32_t>(result);
  record.callers[0] = Offset(caller);
  NoteCallers(caller, record.callers);
  record.kind = kind;
  record.port = port;
  record.skipped = t_skipped;
  t_skipped = 0;
  record.begin.store(begin, std::memory_order_release);
}

// A function of its own, and in another file than its callers: otherwise the return address would be their caller's.
void Trace::MarkNow(Traced kind, int fd, int64_t result) { Note(kind, Now(), fd, result, __builtin_return_address(0)); }

void Trace::NoteAccepted(uint64_t begin, int listener, int fd, const void* caller) {
  Note(Traced::kAccept, begin, listener, fd, caller, PortOfPeer(fd));
}

// No call of the program has brought them, so that nothing else says whose they are. Without /proc they have no record.
void Trace::NoteInherited(const void* caller) {
  DIR* const open = ::opendir("/proc/self/fd");
  if (open == nullptr) return;
  while (const dirent* const entry = ::readdir(open)) {
    int fd = -1;
    if (!absl::SimpleAtoi(entry->d_name, &fd)) continue;
    const uint16_t port = PortOfPeer(fd);
    if (port != 0) Note(Traced::kInherit, Now(), fd, 0, caller, port);
  }
  ::closedir(open);
}

void Trace::Skip() {
  if (on()) ++t_skipped;
}

}  // namespace polyserve
