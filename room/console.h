// Console: reads the server's standard input, and says each line in the room as the administrator. It has a thread of
// its own, since each model waits for clients in its own way; so do not use it in a process that forks.
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

  // Reads lines from the descriptor, which the caller keeps, until end-of-file. Skips lines that fail CheckText(), with
  // a line in the log, and empty ones, without. If the descriptor is a terminal and the server runs in its background,
  // waits: reading must neither stop the server (SIGTTIN) nor spin.
  static absl::StatusOr<std::unique_ptr<Console>> Start(int input, Say say);

  // Ends the thread, even while it waits for input.
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
