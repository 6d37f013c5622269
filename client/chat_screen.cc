#include "client/chat_screen.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/printable.h"

namespace polyserve {

namespace {

// What a terminal sends for these keys. Without ICANON the kernel does not interpret them. Backspace is 8 or 127,
// depending on the terminal.
constexpr char kEnd = 4;  // Ctrl-D.
constexpr char kBackspace = 8;
constexpr char kDeleteLine = 21;  // Ctrl-U.
constexpr char kEscape = 27;
constexpr char kDelete = 127;
constexpr size_t kDefaultColumns = 80;

// In UTF-8, all bytes of a character but the first are 10xxxxxx.
bool IsFirstOfCharacter(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

// The end of a line that fits into `columns`. A line that wraps could not be erased, since "\r" leads only to the
// beginning of its last row. Characters of three bytes and more count as two columns, which most of them take.
absl::string_view Tail(absl::string_view line, size_t columns) {
  size_t used = 0;
  size_t begin = line.size();
  for (size_t i = line.size(); i-- > 0;) {
    if (!IsFirstOfCharacter(line[i])) continue;
    used += static_cast<uint8_t>(line[i]) < 0xE0 ? 1 : 2;
    if (used > columns) break;
    begin = i;
  }
  return line.substr(begin);
}

}  // namespace

ChatScreen::ChatScreen(int input, int output) : input_(input), output_(output), terminal_(input) {
  // Both ends, or neither. With output into a file or a pipe, drawing would fill it with escape sequences; the terminal
  // then keeps its mode, so that the kernel still echoes what is typed.
  is_terminal_ = ::isatty(output) == 1 && terminal_.is_terminal();
  if (!is_terminal_) return;
  termios mode = terminal_.found();
  // Bytes arrive as they are typed, and the kernel does not echo them; this class draws the line. ISIG stays, so Ctrl-C
  // is still a signal, and ICRNL, so Enter arrives as "\n". VMIN and VTIME: read(2) returns as soon as there is a byte.
  mode.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  terminal_.SetMode(mode);
  Draw();
}

// "\r\033[K": to the beginning of the line, then erase to its end (ECMA-48, EL).
ChatScreen::~ChatScreen() {
  if (is_terminal_) Write("\r\033[K");
}

std::vector<std::string> ChatScreen::Read() {
  std::vector<std::string> lines;
  char bytes[4096];
  const ssize_t count = ::read(input_, bytes, sizeof(bytes));
  // EAGAIN: the descriptor is shared, and another program may have made it non-blocking.
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return lines;
  for (ssize_t i = 0; i < count; ++i) Type(bytes[i], lines);
  // An error, such as EIO after the terminal was closed, is the end as well. A last line without an end still counts.
  if (count <= 0) is_at_end_ = true;
  if (count <= 0 && !line_.empty()) lines.push_back(std::exchange(line_, ""));
  if (is_terminal_) Draw();
  return lines;
}

// Escape sequences of keys ("ESC [ A", "ESC O P", "ESC [ 1 ; 5 C") are skipped: after ESC, everything up to the first
// byte that cannot be inside one. Other control characters are ignored, so they cannot get into a message.
void ChatScreen::Type(char byte, std::vector<std::string>& lines) {
  if (byte == '\n') {
    // The whole line this time, wrapped if need be: it stays above, to be read.
    if (is_terminal_) Write(absl::StrCat("\r\033[K> ", Printable(line_), "\n"));
    lines.push_back(std::exchange(line_, ""));
  } else if (!is_terminal_) {
    line_.push_back(byte);
  } else if (in_escape_) {
    in_escape_ = byte == '[' || byte == 'O' || byte == ';' || absl::ascii_isdigit(static_cast<unsigned char>(byte));
  } else if (byte == kEscape) {
    in_escape_ = true;
  } else if (byte == kBackspace || byte == kDelete) {
    DropCharacter();
  } else if (byte == kDeleteLine) {
    line_.clear();
  } else if (byte == kEnd) {
    // Ctrl-D in the middle of a line is ignored. In canonical mode the kernel would deliver the unfinished line (VEOF,
    // termios(3)), and a slip of the finger would send half a message.
    is_at_end_ = is_at_end_ || line_.empty();
  } else if (static_cast<uint8_t>(byte) >= 0x20) {
    line_.push_back(byte);
  }
}

void ChatScreen::DropCharacter() {
  while (!line_.empty() && !IsFirstOfCharacter(line_.back())) line_.pop_back();
  if (!line_.empty()) line_.pop_back();
}

// Erases the line being typed, prints the message in its place, and draws the line again below.
void ChatScreen::Show(absl::string_view line) {
  Write(absl::StrCat(is_terminal_ ? "\r\033[K" : "", Printable(line), "\n"));
  Redraw();
}

void ChatScreen::Redraw() const {
  if (is_terminal_) Draw();
}

// The size is asked for each time, because the window may have changed. Two columns are for the prompt, and one stays
// free: a cursor behind the last column wraps on some terminals. A terminal that does not know its size, as on a serial
// line, reports 0 columns; below five there is no room for even one wide character.
void ChatScreen::Draw() const {
  winsize size = {};
  const bool has_size = ::ioctl(output_, TIOCGWINSZ, &size) == 0 && size.ws_col > 4;
  Write(absl::StrCat("\r\033[K> ", Tail(Printable(line_), (has_size ? size.ws_col : kDefaultColumns) - 3)));
}

// Gives up at an error, and the visit goes on: a member whose output is closed (EPIPE, EIO) may still be speaking.
void ChatScreen::Write(absl::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(output_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace polyserve
