// HttpReply: puts a reply together, and hands it to the output with as few copies as can be.
//
//   HttpReply reply(200, request.terms, site);
//   reply.Add("Content-Type", "text/plain").Add("Content-Length", 5);
//   reply.WriteTo(output, "hello");
//   HttpReply::Finish(request.terms, output);
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
  // Begins with what every reply has: status line, Server, Date, and Connection if it has to be said.
  HttpReply(int code, const HttpReplyTerms& terms, const HttpSite& site);

  HttpReply& Add(absl::string_view name, const absl::AlphaNum& value) {
    absl::StrAppend(&text_, name, ": ", value, "\r\n");
    return *this;
  }

  // Adds whole lines, each with its end.
  HttpReply& AddLines(absl::string_view lines) {
    absl::StrAppend(&text_, lines);
    return *this;
  }

  // Ends the head and appends it to the output, and the content, which is left out if the terms say so. Larger
  // contents are appended to the output by the caller.
  void WriteTo(Output& output, absl::string_view content = "");

  // The same for the rest of a reply that is at hand: further fields, the head's end and the content.
  void WriteTo(Output& output, const std::shared_ptr<const std::string>& rest);

  // To be called behind each reply, when all of it is appended: closes behind the last one.
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

// A whole reply, closing included, that says what went wrong in a line of plain text. `fields` are further lines of the
// head; Allow, which 405 needs, and Retry-After of 503 are added.
void WriteHttpError(int code, absl::string_view why, const HttpReplyTerms& terms, const HttpSite& site, Output& output,
                    absl::string_view fields = "");

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REPLY_H_
