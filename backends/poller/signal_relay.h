// SignalRelay: sends signals for descriptors that cannot send them. Files of some kinds know no signal-driven I/O,
// eventfd(2) and epoll(7) among them, and a loop has some: for mail, for the stop, for peers with ports of their own. A
// thread waits for them, and queues the signal for the loop's thread.
//
//   loop's thread                                      relay's thread
//   Add(), Change() ─▶ others_ (an epoll) ──in───▶ armed_ (an epoll) ─▶ ready: pthread_sigqueue() ─▶ waits again
//   TakeReady() ◀─────────── the signal ──────────────────────────────────┘
//      none is ready any more: arms it again (EPOLLONESHOT)
//
// All calls belong to the loop's thread. None blocks, but for the destructor, which waits for the thread.
#ifndef POLYSERVE_BACKENDS_POLLER_SIGNAL_RELAY_H_
#define POLYSERVE_BACKENDS_POLLER_SIGNAL_RELAY_H_

#include <pthread.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

class SignalRelay {
 public:
  // Starts the thread, which sends this real-time signal to the calling thread, with si_code SI_QUEUE; or SIGIO, as the
  // kernel does, if the queue is full. Both must be blocked. Takes three descriptors. Fails if the system lacks these,
  // or a thread.
  static absl::StatusOr<std::unique_ptr<SignalRelay>> Create(int signal);
  ~SignalRelay();

  // Watches for these events of Poller; their levels, whatever they say about edges. Fail as epoll_ctl(2) does.
  absl::Status Add(int fd, uint8_t events);
  absl::Status Change(int fd, uint8_t events);
  void Remove(int fd);

  // Call it after the signal and before each wait. Reports what is ready, and returns how many descriptors that is. If
  // there are none, the thread will signal the next one; without a signal since then it makes no system call.
  absl::StatusOr<int> TakeReady(const std::function<void(int fd, uint8_t events)>& report);
  // The signal may have been lost, or is on its way: the next TakeReady() looks.
  void LookAgain() { is_armed_ = false; }

 private:
  SignalRelay(int signal, UniqueFd others, UniqueFd armed, UniqueFd end);
  void Relay() const;
  absl::Status Control(int operation, int fd, uint8_t events);
  absl::Status Arm(int operation);

  const int signal_;
  const pthread_t loop_;
  const UniqueFd others_;  // Those that are watched.
  const UniqueFd armed_;   // others_ and end_: what the thread waits for.
  const UniqueFd end_;     // An eventfd, readable when the thread is to end.
  bool is_armed_ = false;  // The thread will send a signal.
  std::thread thread_;     // Uses the others, so the destructor waits for it first.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_SIGNAL_RELAY_H_
