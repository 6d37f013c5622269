// ChatScreen: messages above, the line being typed below. On a terminal the line is erased while a message is printed,
// and drawn again after it. A pipe or a file is read and written unchanged.
//
//   bob : hello           Show() prints messages here, and they scroll up
//   hello b_              Read() edits this line: backspace and Ctrl-U work; arrow keys are ignored
#ifndef POLYSERVE_CLIENT_CHAT_SCREEN_H_
#define POLYSERVE_CLIENT_CHAT_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/terminal.h"

namespace polyserve {

// Threads: one at a time. Writing blocks for as long as the terminal does, for example after Ctrl-S. Bounds: Read()
// takes 4 KiB at a time; the line being typed has no limit of its own, the server refuses one that is too long.
class ChatScreen {
 public:
  // The descriptors stay the caller's. A terminal gets its mode back however the program ends (see TerminalGuard).
  ChatScreen(int input, int output);
  ~ChatScreen();
  ChatScreen(const ChatScreen&) = delete;
  ChatScreen& operator=(const ChatScreen&) = delete;

  // Reads once, and returns the lines that are now complete, without their ends. Call when the input is readable, since
  // it blocks otherwise.
  std::vector<std::string> Read();
  // True after the end of the input, or Ctrl-D on an empty line.
  bool is_at_end() const { return is_at_end_; }

  // Prints a line from the server, without anything that a terminal would execute (see Printable()): any member of the
  // room can send an escape sequence, and some of them change the clipboard or the window.
  void Show(absl::string_view line);
  // Draws the line being typed again, after another program may have written to the terminal.
  void Redraw() const;

 private:
  // Handles a byte of input; a line that it completes is appended to `lines`.
  void Type(char byte, std::vector<std::string>& lines);
  // Removes the last character of the line, which may have several bytes.
  void DropCharacter();
  void Draw() const;
  // Writes all of it; errors are ignored.
  void Write(absl::string_view bytes) const;

  const int input_;
  const int output_;
  TerminalGuard terminal_;
  bool is_terminal_ = false;  // Both ends are terminals; otherwise bytes pass unchanged.
  bool is_at_end_ = false;
  bool in_escape_ = false;  // Within the escape sequence that an arrow key sends.
  std::string line_;        // The line being typed.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CHAT_SCREEN_H_
