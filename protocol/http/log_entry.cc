#include "protocol/http/log_entry.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// What is left of kMaxLogLineBytes (4096) is enough for the peer, the time, the code and the size. A longer line would
// not be written to a pipe in one piece.
constexpr size_t kMaxLineBytes = 2048;
constexpr size_t kMaxRefererBytes = 896;
constexpr size_t kMaxUserAgentBytes = 896;

// As Apache does it: what could end the field or the line, or is not ASCII, is escaped, so a terminal that shows the
// log executes nothing. Longer than `max` by a few bytes at most: the length is checked before each character.
std::string Quoted(absl::string_view text, size_t max) {
  if (text.empty()) return "\"-\"";
  std::string quoted = "\"";
  for (const char c : text) {
    if (quoted.size() >= max) return quoted + "...\"";
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (absl::ascii_isprint(static_cast<unsigned char>(c))) {
      quoted += c;
    } else {
      absl::StrAppend(&quoted, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return quoted + '"';
}

// "Sun, 06 Nov 1994 08:49:37 GMT" -> "06/Nov/1994:08:49:37 +0000". The site has the date formatted already. Always UTC:
// entries of servers in several places can be compared, and no hour of a year comes twice.
std::string LogTime(absl::string_view date) {
  return absl::StrCat(date.substr(5, 2), "/", date.substr(8, 3), "/", date.substr(12, 4), ":", date.substr(17, 8),
                      " +0000");
}

}  // namespace

HttpLogEntry::HttpLogEntry(std::shared_ptr<LogFile> file, const Request& request)
    : file_(std::move(file)),
      // The dash stands for the client's identity (RFC 1413), which this server does not ask for.
      peer_(absl::StrCat(request.peer, " - ")),
      request_(absl::StrCat(" [", LogTime(request.date), "] ", Quoted(request.line, kMaxLineBytes), " ")),
      behind_(absl::StrCat(" ", Quoted(request.referer, kMaxRefererBytes), " ",
                           Quoted(request.user_agent, kMaxUserAgentBytes), "\n")) {}

// The content is the difference of two counts of unsent bytes. Nothing is sent between them: the driver performs the
// output only after the session or the task has returned.
void HttpLogEntry::NoteHead(const Output& output, int64_t head_bytes_to_come) {
  unsent_before_content_ = output.unsent_bytes() + head_bytes_to_come;
}

void HttpLogEntry::Write(const Output& output) {
  const int64_t content_bytes = output.unsent_bytes() - unsent_before_content_;
  // A dash for no content, as the common log format has it, and not a 0.
  const std::string size = content_bytes > 0 ? absl::StrCat(content_bytes) : "-";
  file_->Append(absl::StrCat(peer_, user_, request_, code_, " ", size, behind_));
}

}  // namespace polyserve
