// HttpLogEntry: one request's line in the access log, in the combined format of Apache and nginx:
//
//   127.0.0.1 - ada [22/Nov/2026:06:24:28 +0000] "GET /a HTTP/1.1" 200 5 "http://referer/" "agent/1.0"
//
// It is written when the reply is appended to the output, and states the bytes of content that were announced; whether
// the peer will receive them is not known then. Whatever the peer sends, the entry is one line of less than
// kMaxLogLineBytes: bytes that could forge a line are escaped, and fields that are too long are cut and end with "...".
//
// The order of calls: the constructor, set_user() if the sender is known, set_code(), NoteHead(), Write(); HttpReply
// makes the last three.
//
//   HttpSession makes it ──▶ HttpReply: set_code(), NoteHead() ──▶ HttpReply::Finish(): Write() ──▶ LogFile
//
// The terms of the reply share it, because a task may complete the reply after the request is gone. One thread at a
// time.
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
  // What the line says of the request. The views need be valid during the constructor only; "" is logged as "-".
  struct Request {
    absl::string_view peer;  // The address, without the port.
    absl::string_view date;  // As in HTTP: "Sun, 06 Nov 1994 08:49:37 GMT".
    absl::string_view line;  // "" if it is not known.
    absl::string_view referer;
    absl::string_view user_agent;
  };

  HttpLogEntry(std::shared_ptr<LogFile> file, const Request& request);

  // The name that the request's credentials have proved; without a call it is logged as "-".
  void set_user(absl::string_view name) { user_ = std::string(name); }
  // The status code of the reply.
  void set_code(int code) { code_ = code; }
  // Call when the head is appended to `output`, except for its last `head_bytes_to_come` bytes: what follows is
  // content.
  void NoteHead(const Output& output, int64_t head_bytes_to_come);
  // Call when the whole reply is appended to `output`. Does not block; a line that the log cannot take is counted.
  void Write(const Output& output);

 private:
  const std::shared_ptr<LogFile> file_;
  std::string peer_;     // The line up to the user,
  std::string request_;  // from there to the code,
  std::string behind_;   // and from behind the size.
  std::string user_ = "-";
  int code_ = 0;
  int64_t unsent_before_content_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_LOG_ENTRY_H_
