// Kernel: what a server under test sees instead of the system: a clock, sockets, eventfds, epolls, signals and rings,
// and the peers' side of the sockets. One schedule has one kernel. Everything that happens in it comes from its random
// numbers, and nothing from the machine, so a seed always makes the same schedule.
//
//   the driver ─ recv(2), epoll_wait(2), steady_clock::now() ─▶ system_calls.cc ─▶ Kernel ◀─ At(): peers, the stop
//
// Time stands still but for the small cost of each call. If the server waits, the clock jumps to the next thing that
// happens, so a minute of silence takes no time. At each call, what was due by then happens first.
//
// It does only what Linux may do, but it does that often: waits end early, late, or by EINTR; readiness comes in any
// order, in parts, or in vain; buffers are tiny; a thread gets the processor back only after a while. What Linux never
// does (a non-blocking send that comes short although there is room, for example) does not happen here either, since
// drivers may rely on it.
//
// A thread that only waits for descriptors, to tell the server's one, runs while that one stands still
// (helper_thread.h).
//
// Faults that are seen here at once: a descriptor used after it was closed, closed twice, or closed while it is
// watched; bytes sent behind shutdown(2); a wait that nothing will ever end; call after call that neither waits nor
// finds anything. One thread at a time.
#ifndef POLYSERVE_TESTS_SIMULATION_KERNEL_H_
#define POLYSERVE_TESTS_SIMULATION_KERNEL_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "tests/simulation/helper_thread.h"
#include "tests/simulation/limits.h"
#include "tests/simulation/random.h"
#include "tests/simulation/signal_queue.h"
#include "tests/simulation/stream.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

// Simulated descriptors: above those that the process really has, and small enough for select(2).
constexpr int kFirstDescriptor = 512;
constexpr int kDescriptors = 512;
constexpr bool IsSimulated(int fd) { return fd >= kFirstDescriptor && fd < kFirstDescriptor + kDescriptors; }

// Signal-driven I/O of a descriptor: to whom a signal goes as something happens to it, and which.
struct IoSignals {
  bool is_on = false;     // FIOASYNC
  int signal = 0;         // F_SETSIG
  f_owner_ex owner = {};  // F_SETOWN_EX
};

class Ring;

class Kernel {
 public:
  // From here on the process's calls come here, until it is destroyed. At most one exists at a time. `name` says how to
  // repeat the schedule.
  Kernel(uint64_t seed, const Limits& limits, std::string name);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  // Null: there is none, and calls go to the system.
  static Kernel* current() { return current_; }

  // --- The schedule's side. ---

  Random& random() { return random_; }
  Time now() const { return now_; }
  const Limits& limits() const { return limits_; }
  Trace& trace() { return trace_; }
  // How long the server has had to wait for the processor since the beginning: no time-out can be met better than that.
  Time delayed() const { return delayed_; }
  // Has something happen, this much later.
  void After(Time delay, std::function<void()> happens);
  // The server waits for ever if nothing but its own timers goes on for Limits::Patience() after the last call of this.
  void NoteEvent() {
    patience_ends_ = now_ + limits_.Patience();
    calls_in_a_row_ = 0;
  }
  // The listening socket. Call it once.
  int Listen();
  // The end of the TCP connection that the server has, as a client of the listener that waits to be accepted. False: it
  // is refused.
  bool Connect(std::shared_ptr<Stream> stream);
  // A server that the one under test may connect to, at the port that is returned. The peer outlives the kernel's
  // calls.
  int AddServer(DialedPeer& server);
  // What has become of a connection that was under way: 0, or an error.
  void FinishConnecting(Stream& stream, int error);
  // How often the server was refused a socket of its own, for want of descriptors.
  int refused_sockets() const { return refused_sockets_; }
  // The state of a stream has changed: whoever watches it may have to know.
  void Notify(const Stream& stream, uint32_t events);
  // SIGTERM: the server stops, and its waits are interrupted again and again.
  void Stop();
  // The server has ended: what is left to happen to the peers happens, without it.
  void RunOut();
  // The stream that was accepted first of those that are open and were not taken here yet; null: there is none.
  std::shared_ptr<Stream> TakeAccepted();
  // Descriptors that are open: those that the server has left behind, once it has ended.
  size_t open_descriptors() const { return files_.size(); }
  [[noreturn]] void Fail(absl::string_view reason) const { FailSchedule(reason, name_, trace_); }

  // --- The server's side: the system's calls, by which they are named. Errors: -1, and errno. ---

  // Each of these costs this much time.
  static constexpr Time kCallTime = kMicrosecond;
  Time Clock() { return now_ += 50; }
  int Accept(int fd, bool non_blocking);
  int Socket(bool non_blocking);
  int ConnectTo(int fd, int port);
  ssize_t Receive(int fd, char* buffer, size_t size, bool waits);
  // Asks for as many of the bytes as it takes, from the first one on.
  ssize_t Send(int fd, size_t size, absl::FunctionRef<std::string(size_t most)> gather, bool waits);
  ssize_t SendFile(int fd, int file, off_t* offset, size_t count);
  int Shutdown(int fd);
  int Close(int fd);
  // Returns what a signal has left of the time.
  Time Sleep(Time time);
  int Poll(pollfd* polls, size_t count, Time time);
  int Select(int highest, fd_set* readable, fd_set* writable, Time time);
  int CreateEpoll();
  int ControlEpoll(int epoll, int operation, int fd, const epoll_event* event);
  int WaitEpoll(int epoll, epoll_event* events, int most, Time time);
  // For fcntl(2). What a descriptor sends ends with its close; what is queued then stays.
  IoSignals& io_signals(int fd) { return Find(fd).io_signals; }
  int SetSignal(int fd, int signal);
  int SetSending(int fd, bool sends);
  int WaitSignal(siginfo_t* info, Time time);
  // By the helper: for the server's thread.
  int QueueSignal(int signal);
  void RaiseIo() { signals_.RaiseIo(); }
  // A ring, of ring_calls.cc.
  int AddRing(std::shared_ptr<Ring> ring) { return Open({.kind = File::Kind::kRing, .ring = std::move(ring)}); }
  Ring& FindRing(int fd) { return *Find(fd).ring; }
  enum class Completions { kNotAsked, kAsked, kAwaited };
  // A negative error number instead of -1 and errno, as liburing has it.
  int EnterRing(int fd, Completions completions);
  // What poll(2) would report.
  uint32_t Ready(int fd);
  // The thread beside the server's, for std::thread.
  HelperThread& helper() { return helper_; }
  int CreateEvent();
  ssize_t ReadEvent(int fd, uint64_t& count);
  ssize_t WriteEvent(int fd, uint64_t count);
  // Null: not a connection.
  Stream* FindStream(int fd);
  bool IsListener(int fd) { return Find(fd).kind == File::Kind::kListener; }
  bool is_listening() const { return is_listening_; }
  // The listener refuses clients that try to connect from now on.
  void RefuseClients() { refuses_clients_ = true; }
  // net/signals.h.
  bool stopping() const { return stopping_; }
  Time grace_end() const { return grace_end_; }
  void RenewGrace();
  int signal_fd() const { return signal_fd_; }
  bool TakeStop();

 private:
  struct Interest {
    uint32_t events;
    epoll_data_t data;
    bool is_pending = false;   // An event has come since the last report: for edges.
    bool is_disarmed = false;  // EPOLLONESHOT has reported it.
  };
  struct File {
    enum class Kind { kListener, kStream, kEvent, kEpoll, kRing };
    Kind kind;
    bool waits = false;                        // A blocking socket.
    std::shared_ptr<Stream> stream = nullptr;  // kStream
    uint64_t count = 0;                        // kEvent
    std::map<int, Interest> interests = {};    // kEpoll; ordered, so that nothing depends on addresses.
    IoSignals io_signals = {};
    std::shared_ptr<Ring> ring = nullptr;  // kRing
  };
  enum class Wake { kReady, kTimeOut, kInterrupted };

  File& Find(int fd);
  int Open(File file);
  void Enter();
  void RunDue();
  Wake Wait(absl::FunctionRef<bool()> is_ready, Time time);
  void TakeProcessor();
  uint32_t Reported(int fd, const Interest& interest);
  void NotifyFile(int fd, uint32_t events);
  void SendSignals(int fd, uint32_t events);
  void SendSignal(int fd, int code, long band);
  void RunHelperLater();
  void NudgeLater();
  // Every driver looks around as the grace begins and ends, and may count a peer's silence anew from there.
  void NoteLookAround() {
    for (const auto& [fd, file] : files_) {
      if (file.stream != nullptr) file.stream->judge.OnWakeInVain(now_, delayed_);
    }
  }
  // A driver may count the peer's silence anew from there, so the patience begins anew, too: several of these, each
  // shortly before the time-out, make a wait that is long, and yet not for ever.
  void NoteWakeInVain(Stream& stream) {
    stream.judge.OnWakeInVain(now_, delayed_);
    NoteEvent();
  }
  int NotePolls(pollfd* polls, size_t count);
  std::vector<std::pair<int, uint32_t>> FindReady(int epoll);
  int WaitEpollAsHelper(int epoll, epoll_event* events, int most);
  int Report(int epoll, std::vector<std::pair<int, uint32_t>>& found, epoll_event* events, int most);
  ssize_t TakeArrived(int fd, Stream& stream, char* buffer, size_t size);
  ssize_t Result(const char* what, int fd, int64_t argument, ssize_t result, int error = 0);
  void ResetQueue();

  static Kernel* current_;

  Random random_;
  const Limits limits_;
  const std::string name_;
  Trace trace_;
  Time now_ = 1000 * kSecond;
  Time delayed_ = 0;
  Time patience_ends_;
  int calls_in_a_row_ = 0;  // Without a wait in which time has passed, and without an event.
  std::map<std::pair<Time, uint64_t>, std::function<void()>> events_;  // The second number: in the order of After().
  uint64_t event_number_ = 0;
  std::map<int, File> files_;
  std::vector<std::shared_ptr<Stream>> queue_;  // To be accepted.
  std::deque<std::shared_ptr<Stream>> accepted_;
  std::vector<DialedPeer*> servers_;  // By their ports, from kFirstPort on.
  int refused_sockets_ = 0;
  int listener_ = -1;
  bool is_listening_ = true;
  bool refuses_clients_ = false;
  int signal_fd_ = -1;
  bool stopping_ = false;
  bool has_stop_ = false;  // For TakeStop().
  bool is_interrupted_ = false;
  bool has_server_ = true;
  SignalQueue signals_;
  HelperThread helper_;
  int helper_epoll_ = -1;       // What it waits for; -1: it does not.
  bool helper_is_due_ = false;  // It will run soon.
  Time grace_end_ = 0;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_KERNEL_H_
