#include "client/line_editor.h"

#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/interrupt.h"

namespace polyserve {

namespace {

constexpr size_t kUsualColumns = 80;  // Of a terminal that does not know.
constexpr int kHistoryLines = 500;    // Bounds the file as well, which is written anew each time.

// Without a locale libedit takes every byte beyond ASCII for a character of its own. Only LC_CTYPE is set: nothing else
// in the program depends on the locale. If the user's locale has one byte for a character, UTF-8 is still right for
// names on the server.
void UseUtf8Locale() {
  ::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) ::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

// The locale must be set before libedit starts, so it is set in the first initializer that runs libedit. EL_CLIENTDATA
// comes before the callbacks, which need it to find this object.
LineEditor::LineEditor(const char* prompt, std::string history_path, NameSource names)
    : prompt_(prompt),
      history_path_(std::move(history_path)),
      names_(std::move(names)),
      terminal_(STDIN_FILENO),
      history_((UseUtf8Locale(), ::history_init()), &::history_end),
      editor_(::el_init("client", stdin, stdout, stderr), &::el_end) {
  HistEvent event;
  ::history(history_.get(), &event, H_SETSIZE, kHistoryLines);
  // A command that is repeated is stored once (only neighbours are compared), so that the arrow keys need no pressing
  // through equal lines.
  ::history(history_.get(), &event, H_SETUNIQUE, 1);
  if (!history_path_.empty()) ::history(history_.get(), &event, H_LOAD, history_path_.c_str());
  ::el_set(editor_.get(), EL_CLIENTDATA, this);
  ::el_set(editor_.get(), EL_PROMPT, &Prompt);
  // This resets all key bindings, so it comes before those below.
  ::el_set(editor_.get(), EL_EDITOR, "emacs");
  ::el_set(editor_.get(), EL_HIST, &::history, history_.get());
  // Our own read of a character is what makes Ctrl-C work at the prompt; see AwaitInput().
  ::el_set(editor_.get(), EL_GETCFN, &ReadCharacter);
  ::el_set(editor_.get(), EL_ADDFN, "complete", "completes a command, a name or a path", &Complete);
  ::el_set(editor_.get(), EL_BIND, "^I", "complete", nullptr);
  // As users of bash and of readline(3) expect; libedit's own emacs mode draws the line anew with this key.
  ::el_set(editor_.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_source(editor_.get(), nullptr);  // The user's own ~/.editrc has the last word.
}

// A history that cannot be saved is no reason to trouble the user at the end.
LineEditor::~LineEditor() {
  HistEvent event;
  if (!history_path_.empty()) ::history(history_.get(), &event, H_SAVE, history_path_.c_str());
}

// el_gets() returns null at the end of the input, and also if ReadCharacter() gives up; Interrupt tells the two apart.
// Clear() comes first: an interrupt of the last command must not discard the next line.
std::optional<std::string> LineEditor::Next() {
  while (!Interrupt::must_end()) {
    Interrupt::Clear();
    ::el_resize(editor_.get());  // The window may have changed since the last prompt.
    int count = 0;
    const char* text = ::el_gets(editor_.get(), &count);
    terminal_.Restore();
    if (Interrupt::pending()) {
      if (!Interrupt::must_end()) fputs("^C\n", stdout);
      continue;
    }
    // Only now: an interrupt also makes el_gets() return null, and is not the end.
    if (text == nullptr || count <= 0) break;
    const std::string line(absl::StripTrailingAsciiWhitespace(absl::string_view(text, static_cast<size_t>(count))));
    HistEvent event;
    // Stored before it is executed, so that a line with a mistake can be fetched back and corrected.
    if (!line.empty()) ::history(history_.get(), &event, H_ENTER, line.c_str());
    return line;
  }
  // Ctrl-D leaves the cursor behind the prompt; the shell's own prompt must not begin there.
  fputs("\n", stdout);
  return std::nullopt;
}

// libedit itself would block in read(2), and a signal between its last check and the read would go unnoticed. Here the
// signal makes a descriptor readable, so poll(2) cannot miss it.
bool LineEditor::AwaitInput(EditLine* editor) {
  terminal_.NoteMode();  // The editor's, which it has set by now.
  pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {Interrupt::fd().get(), POLLIN, 0}};
  while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
    // EINTR without an interrupt: probably SIGCONT. A shell has written to the terminal, so the line is drawn again.
    if (!Interrupt::pending()) ::el_set(editor, EL_REFRESH);
  }
  return waits[1].revents == 0;
}

// Reads byte by byte up to a whole character. More would be lost: what libedit has not consumed when a line ends must
// still be in the terminal for the next one.
int LineEditor::ReadCharacter(EditLine* editor, wchar_t* character) {
  mbstate_t state = {};
  while (Self(editor).AwaitInput(editor)) {
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return static_cast<int>(count);
    // `state` keeps the bytes of a character whose rest has not come; the loop waits for it, and an interrupt can still
    // end that wait.
    const size_t length = ::mbrtowc(character, &byte, 1, &state);
    if (length == static_cast<size_t>(-2)) continue;  // The character has more bytes.
    if (length != static_cast<size_t>(-1)) return 1;
    state = {};  // Not a character in this locale: skipped.
  }
  return -1;
}

// Paths are left to libedit: histedit.h declares _el_fn_complete for such use.
unsigned char LineEditor::Complete(EditLine* editor, int key) {
  const LineInfo* const info = ::el_line(editor);
  // Only what stands before the cursor: the rest of the line may belong to another word.
  const absl::string_view typed(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
  if (IsTypingPath(typed)) return ::_el_fn_complete(editor, key);
  const Completion completion = CompleteLine(typed, Self(editor).names_);
  if (!completion.insert.empty()) {
    return ::el_insertstr(editor, completion.insert.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }
  if (completion.choices.empty()) return CC_ERROR;  // Beeps.
  winsize size = {};
  const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const std::string choices = ChoicesAsText(completion.choices, is_known ? size.ws_col : kUsualColumns);
  fputs(absl::StrCat("\n", choices).c_str(), stdout);
  return CC_REDISPLAY;  // The line again, below the choices.
}

const char* LineEditor::Prompt(EditLine* editor) { return Self(editor).prompt_; }

LineEditor& LineEditor::Self(EditLine* editor) {
  LineEditor* self = nullptr;
  ::el_get(editor, EL_CLIENTDATA, &self);
  return *self;
}

}  // namespace polyserve
