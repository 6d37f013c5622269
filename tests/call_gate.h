// CallGate: has system calls of a running server fail from one moment to another, for all of its processes, as if the
// system had run out of something meanwhile. RefuseCall() refuses a call from the start for ever.
//
//   CallGate gate(BirthCalls(), EAGAIN);
//   ServerProcess server({.flags = flags, .before_exec = [&gate] { gate.Install(); }});
//   ASSERT_TRUE(gate.is_installed());
//   gate.Close();   // From here on no process and no thread can be made.
//   gate.Open();    // Now they can.
//
// Or it holds them up meanwhile (kHold), and with them the thread that makes the call.
//
// The kernel stops each such call and asks this object (seccomp_unotify(2), Linux 5.5), whose thread answers. So it
// must outlive the server. Limits: those of RefuseCall().
#ifndef POLYSERVE_TESTS_CALL_GATE_H_
#define POLYSERVE_TESTS_CALL_GATE_H_

#include <linux/filter.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace polyserve {

// All that make a process or a thread.
std::vector<int> BirthCalls();

class CallGate {
 public:
  // Instead of an errno: the calls wait until the gate is opened.
  static constexpr int kHold = 0;

  // The numbers of the calls (SYS_clone), and the errno that they get while the gate is closed. It is open at first.
  CallGate(const std::vector<int>& calls, int error);
  ~CallGate();
  CallGate(const CallGate&) = delete;
  CallGate& operator=(const CallGate&) = delete;

  // In the server's process, once, between fork() and exec(): async-signal-safe.
  void Install() const;
  // In the test, when the server has been started. False: the system does not allow it, and all calls work.
  bool is_installed() const;

  void Close() { is_closed_ = true; }
  void Open() { is_closed_ = false; }

 private:
  enum class State { kUnknown, kInstalled, kRefused };

  void Run();
  UniqueFd ReceiveListener();
  bool Await(int fd) const;
  bool AwaitOpen() const;
  void Answer(int listener) const;

  const int error_;
  std::vector<sock_filter> filter_;
  UniqueFd inner_, outer_;  // The server's process sends the descriptor of its calls to this one.
  UniqueFd stop_;           // Readable when the thread is to end.
  std::atomic<State> state_{State::kUnknown};
  std::atomic<bool> is_closed_{false};
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_CALL_GATE_H_
