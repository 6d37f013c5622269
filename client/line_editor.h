// LineEditor: lines typed at a terminal, with editing, a history that is kept in a file, and completion of commands
// (and of paths behind put) by the tab key. Wraps libedit.
#ifndef POLYSERVE_CLIENT_LINE_EDITOR_H_
#define POLYSERVE_CLIENT_LINE_EDITOR_H_

#include <histedit.h>

#include <memory>
#include <string>

#include "client/line_source.h"
#include "client/terminal.h"

namespace polyserve {

// One at a time in a process, on standard input, output and error. Sets the process's locale for characters.
class LineEditor : public LineSource {
 public:
  // Loads the history from that file and saves it there in the end; empty for none. `prompt` must be static.
  LineEditor(const char* prompt, std::string history_path);
  ~LineEditor() override;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Ctrl-C throws the line away and asks anew; Ctrl-D on an empty line is the end.
  std::optional<std::string> Next() override;

 private:
  // True once standard input can be read; false if the user interrupts before.
  bool AwaitInput(EditLine* editor);
  // How libedit reads one character: it must hear of Interrupt meanwhile. Returns 1, 0 at the end, -1 to give up.
  static int ReadCharacter(EditLine* editor, wchar_t* character);
  // What the tab key does.
  static unsigned char Complete(EditLine* editor, int key);
  static const char* Prompt(EditLine* editor);
  static LineEditor& Self(EditLine* editor);

  const char* const prompt_;
  const std::string history_path_;
  TerminalGuard terminal_;  // Before the editor, which sets modes of its own.
  const std::unique_ptr<History, void (*)(History*)> history_;
  const std::unique_ptr<EditLine, void (*)(EditLine*)> editor_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LINE_EDITOR_H_
