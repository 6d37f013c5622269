// HttpLogEntry: one request's line in the access log, in the combined format of Apache and nginx:
//
//   127.0.0.1 - - [22/Nov/2026:06:24:28 +0000] "GET /a HTTP/1.1" 200 5 "http://referer/" "agent/1.0"
//
// It is written when the reply is appended to the output, and tells how many bytes of content were announced; whether
// the peer has taken them is not known then. Whatever a peer sends, it stays one line of less than kMaxLogLineBytes, as
// fields that are too long are cut, and end with "...".
#ifndef POLYSERVE_PROTOCOL_HTTP_LOG_ENTRY_H_
#define POLYSERVE_PROTOCOL_HTTP_LOG_ENTRY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "files/log_file.h"
#include "protocol/output.h"

namespace polyserve {

class HttpLogEntry {
 public:
  struct Request {
    absl::string_view peer;
    absl::string_view date;  // As in HTTP: "Sun, 06 Nov 1994 08:49:37 GMT".
    absl::string_view line;  // Empty if it is not known.
    absl::string_view referer;
    absl::string_view user_agent;
  };

  HttpLogEntry(std::shared_ptr<LogFile> file, const Request& request);

  void set_code(int code) { code_ = code; }
  // The head is appended, but for so many bytes of it.
  void NoteHead(const Output& output, int64_t head_bytes_to_come);
  // All of the reply is appended.
  void Write(const Output& output);

 private:
  const std::shared_ptr<LogFile> file_;
  std::string before_;  // What stands before the code, and behind the size.
  std::string behind_;
  int code_ = 0;
  int64_t unsent_before_content_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_LOG_ENTRY_H_
