#include "protocol/http/reply.h"

#include <utility>

namespace polyserve {

namespace {

// Nearly all heads fit in this, so that the text is allocated once,
constexpr size_t kUsualHeadBytes = 512;
// by the thread's first reply: the next one takes over its memory.
thread_local std::string spare_text;

struct Status {
  int code;
  absl::string_view text;
};

// The codes of replies but for 500, which stands for any other, with the reason phrases of RFC 9110, section 15 (429
// and 431: RFC 6585; 507: RFC 4918). Clients go by the code; the phrase is for a person who reads the bytes (RFC 9112,
// section 4).
constexpr Status kStatuses[] = {
    {101, "101 Switching Protocols"},
    {200, "200 OK"},
    {201, "201 Created"},
    {204, "204 No Content"},
    {206, "206 Partial Content"},
    {301, "301 Moved Permanently"},
    {304, "304 Not Modified"},
    {400, "400 Bad Request"},
    {401, "401 Unauthorized"},
    {403, "403 Forbidden"},
    {404, "404 Not Found"},
    {405, "405 Method Not Allowed"},
    {408, "408 Request Timeout"},
    {409, "409 Conflict"},
    {411, "411 Length Required"},
    {412, "412 Precondition Failed"},
    {413, "413 Content Too Large"},
    {414, "414 URI Too Long"},
    {415, "415 Unsupported Media Type"},
    {416, "416 Range Not Satisfiable"},
    {417, "417 Expectation Failed"},
    {421, "421 Misdirected Request"},
    {426, "426 Upgrade Required"},
    {429, "429 Too Many Requests"},
    {431, "431 Request Header Fields Too Large"},
    {501, "501 Not Implemented"},
    {502, "502 Bad Gateway"},
    {503, "503 Service Unavailable"},
    {504, "504 Gateway Timeout"},
    {505, "505 HTTP Version Not Supported"},
    {507, "507 Insufficient Storage"},
};

// A 503 means a shortage of descriptors or memory, or a file or directory that another program holds: both pass soon.
constexpr int kRetrySeconds = 1;

// In every reply, so that none is forgotten. "nosniff": a browser must not guess another type than the declared one,
// because it might run a text that a client has stored as a page of this server (Fetch, "X-Content-Type-Options").
// Server names no version, which would be of use only to an attacker (RFC 9110, section 10.2.4).
constexpr absl::string_view kFirstLines = "\r\nServer: polyserve\r\nX-Content-Type-Options: nosniff\r\n";

// One piece of memory is sent faster than two. Above this size the copy costs more than that gains.
constexpr size_t kMaxCopiedRestBytes = 8 * 1024;

absl::string_view StatusText(int code) {
  for (const Status& status : kStatuses) {
    if (status.code == code) return status.text;
  }
  return "500 Internal Server Error";
}

}  // namespace

HttpReply::HttpReply(int code, const HttpReplyTerms& terms, const HttpSite& site)
    : text_(std::move(spare_text)), omits_content_(terms.omits_content), log_(terms.log.get()) {
  if (log_ != nullptr) log_->set_code(code);
  // "HTTP/1.1" also to a client of HTTP/1.0: it is the highest version that the server conforms to (RFC 9110, section
  // 6.2), and whether the connection stays is said in a field.
  text_.clear();
  text_.reserve(kUsualHeadBytes);
  absl::StrAppend(&text_, "HTTP/1.1 ", StatusText(code), kFirstLines, site.DateLine());
  if (!terms.keep_alive) Add("Connection", "close");
  if (terms.keep_alive && terms.says_keep_alive) Add("Connection", "keep-alive");
}

HttpReply::~HttpReply() { spare_text = std::move(text_); }

void HttpReply::WriteTo(Output& output, absl::string_view content) {
  text_.append("\r\n");
  output.Write(text_);
  // The log states the bytes of content, which begin here.
  if (log_ != nullptr) log_->NoteHead(output, 0);
  if (!omits_content_) output.Write(content);
}

void HttpReply::WriteTo(Output& output, const std::shared_ptr<const std::string>& rest) {
  output.Write(text_);
  // The rest begins with fields, so a part of the head is still to come. Searched for only if there is a log.
  if (log_ != nullptr) log_->NoteHead(output, static_cast<int64_t>(rest->find("\r\n\r\n") + 4));
  if (rest->size() <= kMaxCopiedRestBytes) {
    output.Write(*rest);
  } else {
    output.WriteShared(rest);
  }
}

// The content is plain text, and the reason is not taken from the request: nothing that a peer sends is reflected in a
// page. Every error has a Content-Length, so that the connection can stay open behind it.
void WriteHttpError(int code, absl::string_view why, const HttpReplyTerms& terms, const HttpSite& site, Output& output,
                    absl::string_view fields) {
  const std::string content = absl::StrCat(StatusText(code), ": ", why, "\n");
  HttpReply reply(code, terms, site);
  reply.Add("Content-Type", "text/plain; charset=utf-8").Add("Content-Length", content.size()).AddLines(fields);
  if (code == 405) reply.AddLines(site.AllowLine());
  if (code == 503) reply.Add("Retry-After", kRetrySeconds);
  reply.WriteTo(output, content);
  output.CountError();
  HttpReply::Finish(terms, output);
}

}  // namespace polyserve
