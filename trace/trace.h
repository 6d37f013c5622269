// Trace: what each thread of the server does, and when, for tools/xray to draw (--trace=FILE). A record is a system
// call that has returned, one step of an io_uring, or what a program begins with: its kind, its times, its descriptor,
// its result, and which functions of the code made it.
//
//   server ─┬─ thread ──┐
//           └─ thread ──┼──▶ FILE, mapped by all (MAP_SHARED): header │ record │ record │ record │ ...
//   child  ─── thread ──┘                                      next ──────────────────────▶ the next free one
//
// The models' code holds no probes: the linker leads its system calls through calls.cc (ld(1), --wrap), so that
// `::recv(...)` stays what a reader sees. While no trace is open, such a call costs some twenty
// instructions more (tools/xray --cost counts them).
#ifndef POLYSERVE_TRACE_TRACE_H_
#define POLYSERVE_TRACE_TRACE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace polyserve {

// What a thread did. The numbers are in files: add at the end only. tools/xray has the same list.
enum class Traced : uint16_t {
  kNone,
  kAccept,    // fd: the listener; result: the connection's descriptor; port: the peer's.
  kRead,      // From a socket. fd, result: as the call's.
  kWrite,     // To a socket, sendfile(2) included.
  kWait,      // For several descriptors at once, or for time to pass. result: how many are ready.
  kFork,      // result: the child, in the parent; 0 in the child.
  kThread,    // A thread is started. result: 0, or an error.
  kPass,      // A descriptor is sent to another process. fd: the socket; result: the descriptor, of several a client's.
  kTake,      // A descriptor is received from another process. fd: the socket; result: as kPass, its number here.
  kWake,      // Another thread is woken: a write to an eventfd or a pipe. fd, result: as the call's.
  kWoken,     // The read of that.
  kClose,     // fd.
  kReap,      // An ended child is collected. result: its pid.
  kEnter,     // io_uring_enter(2): operations are submitted, completions awaited. result: how many were submitted.
  kSubmit,    // An operation is prepared for a ring. fd: its descriptor.
  kComplete,  // A completion is looked at. fd: its descriptor; result: its result.
  kSpawn,     // A program is started (posix_spawn(3)). result: its pid; 0 in the program, when it joins the trace.
  kInherit,   // A program that joins the trace was started with this connection. fd; port: the peer's.
};

// As it lies in the file, in the byte order of the machine. Times are those of CLOCK_MONOTONIC, in nanoseconds.
struct TraceRecord {
  std::atomic<uint64_t> begin;  // Written last: 0 while the record is not complete, as after a thread was killed.
  uint64_t end;
  int32_t pid;
  int32_t tid;
  int32_t fd;
  int32_t result;  // Of a call that failed: the errno, negative.
  Traced kind;
  uint16_t port;     // kAccept, kInherit: the peer's; else 0.
  uint32_t skipped;  // Calls of this thread since its last record that found nothing (EAGAIN), and have no record.
  // Return addresses, counted from the beginning of the program in memory (for addr2line(1)): that of the call, and of
  // the functions around it, the innermost first. 0: none. Those behind the first are there in a build with frame
  // pointers only (--config=xray).
  static constexpr int kCallers = 8;
  uint32_t callers[kCallers];
};
static_assert(sizeof(TraceRecord) == 72);

class Trace {
 public:
  // Creates the file, or empties it, and records from now on, in all children too. Call it once, before there is
  // another thread or process. Errors: the system's for the file; ResourceExhausted if there is no room for it.
  static absl::Status Open(const std::string& path);
  // For a child that is a fresh image of the program: goes on with the trace that its server has opened. Records the
  // child's birth, and each connection of the network that it has inherited, so call it before it opens any of its own.
  // FailedPrecondition if the file is none.
  static absl::Status Join(const std::string& path);

  // Whether a trace is open. Any thread.
  static bool on() { return table_ != nullptr; }

  // CLOCK_MONOTONIC, in nanoseconds.
  static uint64_t Now();

  // Adds a record of the calling thread; without effect if no trace is open, or the file is full (kMostRecords). Any
  // thread of any process; takes no lock, and makes no system call but the first time in a thread.
  static void Note(Traced kind, uint64_t begin, int fd, int64_t result, const void* caller, uint16_t port = 0);

  // The same for what is no call, and takes no time. Its place is where this is called.
  static void Mark(Traced kind, int fd, int64_t result) {
    if (on()) MarkNow(kind, fd, result);
  }

  // A connection was accepted at this listener, by a call that began at this time.
  static void NoteAccepted(uint64_t begin, int listener, int fd, const void* caller);

  // A call of the calling thread found nothing to do; its next record counts it.
  static void Skip();

  // Some 75 MB of address space; the file takes room for what is written only. What comes later has no record, and the
  // header says how much that was.
  static constexpr uint64_t kMostRecords = uint64_t{1} << 20;

 private:
  struct Table;
  static void MarkNow(Traced kind, int fd, int64_t result);
  static void NoteInherited(const void* caller);
  static absl::Status Map(int file, const std::string& path);
  static Table* table_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TRACE_TRACE_H_
