// ChatScreen: a place to read above, a line to type below. On a terminal what is typed is taken off the screen while a
// message is printed, and put back behind it; anything else, a pipe or a file, is read and written as it is.
#ifndef POLYSERVE_CLIENT_CHAT_SCREEN_H_
#define POLYSERVE_CLIENT_CHAT_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/terminal.h"

namespace polyserve {

class ChatScreen {
 public:
  // The descriptors stay the caller's. A terminal is put back in its mode however this ends (see TerminalGuard).
  ChatScreen(int input, int output);
  ~ChatScreen();
  ChatScreen(const ChatScreen&) = delete;
  ChatScreen& operator=(const ChatScreen&) = delete;

  // Reads once, and returns the lines that are complete by now. To be called when the input is readable.
  std::vector<std::string> Read();
  // There is nothing more to come: the end of the input, Ctrl-D on an empty line.
  bool is_at_end() const { return is_at_end_; }

  // Prints a line that came from the server, made harmless (see Printable()).
  void Show(absl::string_view line);
  // Draws the line that is typed once more: another program may have written to the terminal meanwhile.
  void Redraw() const;

 private:
  void Type(char byte, std::vector<std::string>& lines);
  void DropCharacter();
  void Draw() const;
  void Write(absl::string_view bytes) const;

  const int input_;
  const int output_;
  TerminalGuard terminal_;
  bool is_terminal_ = false;
  bool is_at_end_ = false;
  bool in_escape_ = false;  // Within what an arrow key sends.
  std::string line_;        // What is being typed.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CHAT_SCREEN_H_
