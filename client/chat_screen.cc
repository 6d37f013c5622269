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

constexpr char kEnd = 4;  // Ctrl-D.
constexpr char kBackspace = 8;
constexpr char kDeleteLine = 21;  // Ctrl-U.
constexpr char kEscape = 27;
constexpr char kDelete = 127;
constexpr size_t kDefaultColumns = 80;

bool IsFirstOfCharacter(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

// The end of a line that fits: characters of three bytes and more count as two columns, which most of them take.
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
  is_terminal_ = ::isatty(output) == 1 && terminal_.is_terminal();
  if (!is_terminal_) return;
  termios mode = terminal_.found();
  mode.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));  // Ctrl-C stays a signal.
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  terminal_.SetMode(mode);
  Draw();
}

ChatScreen::~ChatScreen() {
  if (is_terminal_) Write("\r\033[K");
}

std::vector<std::string> ChatScreen::Read() {
  std::vector<std::string> lines;
  char bytes[4096];
  const ssize_t count = ::read(input_, bytes, sizeof(bytes));
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return lines;
  for (ssize_t i = 0; i < count; ++i) Type(bytes[i], lines);
  if (count <= 0) is_at_end_ = true;
  if (count <= 0 && !line_.empty()) lines.push_back(std::exchange(line_, ""));
  if (is_terminal_) Draw();
  return lines;
}

void ChatScreen::Type(char byte, std::vector<std::string>& lines) {
  if (byte == '\n') {
    if (is_terminal_) Write(absl::StrCat("\r\033[K> ", Printable(line_), "\n"));  // It stays to be read, above.
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
    is_at_end_ = is_at_end_ || line_.empty();
  } else if (static_cast<uint8_t>(byte) >= 0x20) {
    line_.push_back(byte);
  }
}

void ChatScreen::DropCharacter() {
  while (!line_.empty() && !IsFirstOfCharacter(line_.back())) line_.pop_back();
  if (!line_.empty()) line_.pop_back();
}

void ChatScreen::Show(absl::string_view line) {
  Write(absl::StrCat(is_terminal_ ? "\r\033[K" : "", Printable(line), "\n"));
  Redraw();
}

void ChatScreen::Redraw() const {
  if (is_terminal_) Draw();
}

void ChatScreen::Draw() const {
  winsize size = {};
  const bool has_size = ::ioctl(output_, TIOCGWINSZ, &size) == 0 && size.ws_col > 4;
  Write(absl::StrCat("\r\033[K> ", Tail(Printable(line_), (has_size ? size.ws_col : kDefaultColumns) - 3)));
}

void ChatScreen::Write(absl::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(output_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace polyserve
