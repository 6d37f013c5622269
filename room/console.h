// Console: reads the server's standard input, and passes each line to the room as the administrator's: a text or a
// command.
//
//   standard input ─▶ poll(2) ─▶ read ─▶ lines ─▶ CheckText() ─▶ LocalRoom::TakeOperatorLine()
//
// It has a thread of its own, because each model waits for clients in its own way. So it must not be used in a process
// that forks (see Fork() in net/process.h); for a model with processes the hub has it. The thread blocks all signals.
//
// Bound: one line of kMaxTextBytes and one read of 4 KiB.
#ifndef POLYSERVE_ROOM_CONSOLE_H_
#define POLYSERVE_ROOM_CONSOLE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

class Console {
 public:
  // Called on the operator's thread, with a line that passed CheckText().
  using Say = std::function<void(absl::string_view text)>;

  // Starts the thread, which reads lines from the descriptor until end-of-file. The caller keeps the descriptor, and
  // must leave it open. A line that fails CheckText() is skipped, with a line in the log; an empty one, without. If the
  // descriptor is a terminal and the server runs in its background, waits: reading must neither stop the server
  // (SIGTTIN) nor spin. Fails if the system has no descriptor or thread left.
  static absl::StatusOr<std::unique_ptr<Console>> Start(int input, Say say);

  // Ends the thread, even while it waits for input, and waits for it. `say` is not called any more then.
  ~Console();

 private:
  Console(int input, Say say, UniqueFd stop) : input_(input), say_(std::move(say)), stop_(std::move(stop)) {}

  void Run();
  bool AwaitInput();
  void Take(absl::string_view bytes);
  void TakeLine(absl::string_view line);

  const int input_;
  const Say say_;
  const UniqueFd stop_;       // An eventfd; readable when the thread is to end.
  std::string line_;          // The beginning of one.
  bool is_skipping_ = false;  // The rest of a line that is too long.
  std::thread thread_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_CONSOLE_H_
