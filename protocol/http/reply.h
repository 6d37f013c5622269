// HttpReply: builds a reply and appends it to the output with few copies.
//
//   HttpReply reply(200, request.terms, site);
//   reply.Add("Content-Type", "text/plain").Add("Content-Length", 5);
//   reply.WriteTo(output, "hello");
//   HttpReply::Finish(request.terms, output);
//
// A content that is large, or a file, is appended by the caller between WriteTo(output) and Finish(). The caller sets
// Content-Length; nothing checks it against the content.
#ifndef POLYSERVE_PROTOCOL_HTTP_REPLY_H_
#define POLYSERVE_PROTOCOL_HTTP_REPLY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "protocol/http/log_entry.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/output.h"

namespace polyserve {

class HttpReply {
 public:
  // Begins with the lines that every reply has: the status line, Server, X-Content-Type-Options, Date, and Connection
  // if the terms require it. An unknown code becomes 500.
  HttpReply(int code, const HttpReplyTerms& terms, const HttpSite& site);
  ~HttpReply();
  HttpReply(const HttpReply&) = delete;
  HttpReply& operator=(const HttpReply&) = delete;

  // Adds a field. Nothing is escaped: name and value must hold no control characters.
  HttpReply& Add(absl::string_view name, const absl::AlphaNum& value) {
    absl::StrAppend(&text_, name, ": ", value, "\r\n");
    return *this;
  }

  // Adds whole lines, each with its CR LF.
  HttpReply& AddLines(absl::string_view lines) {
    absl::StrAppend(&text_, lines);
    return *this;
  }

  // Ends the head, and appends it and the content to the output. For a HEAD request the content is left out. Call one
  // of the two overloads, once.
  void WriteTo(Output& output, absl::string_view content = "");

  // The same, with a prepared text that holds further fields, the empty line and the content. It is shared with the
  // output if it is large, and copied if that is faster. REQUIRES: not for a HEAD request.
  void WriteTo(Output& output, const std::shared_ptr<const std::string>& rest);

  // Call once for each reply, after all of it is appended: counts the request, writes its line of the access log, and
  // closes the output if this reply is the last one.
  static void Finish(const HttpReplyTerms& terms, Output& output) {
    output.CountRequest();
    if (terms.log != nullptr) terms.log->Write(output);
    if (!terms.keep_alive) output.Close();
  }

 private:
  std::string text_;
  const bool omits_content_;
  HttpLogEntry* const log_;  // May be null.
};

// Appends a whole reply that states an error in a line of plain text, Finish() included, and counts the error. `fields`
// are further lines of the head, each with its CR LF; Allow (for 405) and Retry-After (for 503) are added.
void WriteHttpError(int code, absl::string_view why, const HttpReplyTerms& terms, const HttpSite& site, Output& output,
                    absl::string_view fields = "");

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REPLY_H_
