// LineEditor: lines typed at a terminal, with editing, a history kept in a file, and completion by the tab key, of
// commands, of names on the server, and of paths on this machine (client/completion.h). Wraps libedit (editline(3)),
// and is the only file that knows it. The user's own
// ~/.editrc (editrc(5)) is read.
//
//   Next() ─▶ el_gets() ─▶ ReadCharacter() ─▶ AwaitInput(): poll(2) on the terminal and Interrupt ─▶ a line, or ^C
#ifndef POLYSERVE_CLIENT_LINE_EDITOR_H_
#define POLYSERVE_CLIENT_LINE_EDITOR_H_

#include <histedit.h>

#include <memory>
#include <string>

#include "client/completion.h"
#include "client/line_source.h"
#include "client/terminal.h"

namespace polyserve {

// At most one object in a process at a time; it uses standard input, output and error, and sets the process's locale
// for characters (LC_CTYPE). Threads: one at a time.
class LineEditor : public LineSource {
 public:
  // Loads the history from that file, and saves it there when destroyed; empty for none. A file that cannot be read or
  // written is ignored. `prompt` must have static storage duration. `names` is called during Next(), and may block
  // until an interrupt.
  LineEditor(const char* prompt, std::string history_path, NameSource names);
  ~LineEditor() override;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Ctrl-C discards the line and prompts again; Ctrl-D on an empty line is the end. Blanks at the end of the line are
  // removed. The terminal is in the editor's mode only during this call: a command that runs in between finds it as the
  // user has it, and Ctrl-Z works.
  std::optional<std::string> Next() override;

 private:
  // Waits until standard input is readable; false if the user interrupts before that.
  bool AwaitInput(EditLine* editor);
  // libedit's callback for one character; heeds Interrupt. Returns 1, 0 at the end, -1 to give up.
  static int ReadCharacter(EditLine* editor, wchar_t* character);
  // libedit's callback for the tab key.
  static unsigned char Complete(EditLine* editor, int key);
  static const char* Prompt(EditLine* editor);
  static LineEditor& Self(EditLine* editor);

  const char* const prompt_;
  const std::string history_path_;
  const NameSource names_;
  TerminalGuard terminal_;  // Before the editor, which sets modes of its own.
  const std::unique_ptr<History, void (*)(History*)> history_;
  const std::unique_ptr<EditLine, void (*)(EditLine*)> editor_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LINE_EDITOR_H_
