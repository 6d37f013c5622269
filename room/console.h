// Console: whoever sits at the server's standard input speaks as the administrator, a line at a time. A thread of its
// own reads, since models wait for clients in ways of their own; so it is not for a process that forks.
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

  // Reads lines from the descriptor, which stays the caller's, until its end. Lines that cannot be said (see
  // CheckText()) are passed over, with a word in the log; empty ones without. Where it is a terminal in whose
  // background we run, it waits: reading must neither stop the server (SIGTTIN) nor spin.
  static absl::StatusOr<std::unique_ptr<Console>> Start(int input, Say say);

  // Ends the thread, whatever it waits for.
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
