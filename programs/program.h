// Program: any program as the other end of a conversation. What its session passes on is the program's standard input;
// what the program writes comes into its mailbox, a piece in each message.
//
//   program->Start("192.0.2.7");                    not before the peer may have it
//   input.Consume(program->Send(input.bytes()));    the rest is for later, when there is room (Mailbox::awaits_room())
//   program->EndInput();
//   OnMessage(message)                              an empty one: its output is over; has_ended(): so is the program
//   program = nullptr;                              it has to end, if it has not
//
// Nothing here blocks, and nothing grows: what the program does not read stays with the peer, and what the peer does
// not read stays with the program. One thread at a time, but for what Mailbox says.
#ifndef POLYSERVE_PROGRAMS_PROGRAM_H_
#define POLYSERVE_PROGRAMS_PROGRAM_H_

#include <atomic>
#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"

namespace polyserve {

class Program : public Mailbox {
 public:
  // Has it started, for the peer at this address. Call it once, before all else, and before the mailbox is watched.
  // False if this process cannot ask for that; the log says why. Then, as if the program could not be run, or if there
  // are too many, its output is over, and it has ended.
  virtual bool Start(absl::string_view address) = 0;
  // Passes on as many bytes as there is room for, and returns how many. If these are not all, it awaits room. Bytes for
  // a program that reads no more are dropped, and count as passed on.
  virtual size_t Send(absl::string_view bytes) = 0;
  // The program sees the end of its input, behind all that was sent. Call it once; no Send() may follow.
  virtual void EndInput() = 0;
  // It has ended, or both directions have; its output is in the mailbox to the end. Any thread.
  bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }

 protected:
  void NoteEnd() { has_ended_.store(true, std::memory_order_release); }

 private:
  std::atomic<bool> has_ended_{false};
};

// The programs that a server may run, by their place on its command line.
class Programs {
 public:
  virtual ~Programs() = default;

  // Any thread. This object must outlive the program.
  virtual std::unique_ptr<Program> NewProgram(int number) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_PROGRAM_H_
