#include "protocol/http/page_files.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/http/page/assets.h"
#include "protocol/http/reply.h"

namespace polyserve {

namespace {

constexpr absl::string_view kIndexName = "index.html";

// Nothing inline, nothing from elsewhere, no frame around it: whatever text from a client ends up in the page, it runs
// no script, and no other site can have a visitor click in it unseen (Content Security Policy Level 3). "self" covers
// the chat's WebSocket.
constexpr absl::string_view kPolicy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

struct Type {
  absl::string_view extension;
  absl::string_view type;
};
constexpr Type kTypes[] = {{".html", "text/html; charset=utf-8"},
                           {".css", "text/css; charset=utf-8"},
                           {".js", "text/javascript; charset=utf-8"},
                           {".svg", "image/svg+xml"}};

absl::string_view TypeOf(absl::string_view name) {
  for (const Type& row : kTypes) {
    if (absl::EndsWith(name, row.extension)) return row.type;
  }
  return "application/octet-stream";
}

const PageAsset* Find(absl::string_view name) {
  if (name.empty()) {
    name = kIndexName;
  } else if (!absl::ConsumePrefix(&name, "page/") || name == kIndexName) {
    return nullptr;  // The page has one address, since its links are relative to that.
  }
  for (const PageAsset& asset : AllPageAssets()) {
    if (asset.name == name) return &asset;
  }
  return nullptr;
}

// Weakly compared, as If-None-Match demands (RFC 9110, section 13.1.2): a proxy that has compressed the file marks the
// tag. No tag of ours is a part of another, so that the list need not be taken apart.
bool IsKnown(const HttpRequest& request, absl::string_view tag) {
  return request.if_none_match.has_value() &&
         (*request.if_none_match == "*" || absl::StrContains(*request.if_none_match, tag));
}

}  // namespace

HttpReplyTerms OwnPageTerms(const HttpRequest& request) {
  HttpReplyTerms terms = request.TermsWithoutContent();
  terms.keep_alive = false;
  return terms;
}

bool AnswerPageFile(const HttpSite& site, const HttpRequest& request, absl::string_view name, Output& output) {
  const PageAsset* asset = Find(name);
  if (asset == nullptr) return false;
  const HttpReplyTerms terms = OwnPageTerms(request);
  const std::string tag = absl::StrCat("\"", asset->hash, "\"");
  const bool is_known = IsKnown(request, tag);
  HttpReply reply(is_known ? 304 : 200, terms, site);
  reply.Add("ETag", tag).Add("Cache-Control", "no-cache").AddLines(kPolicy);
  if (!is_known) reply.Add("Content-Type", TypeOf(asset->name)).Add("Content-Length", asset->content.size());
  reply.WriteTo(output, is_known ? absl::string_view() : asset->content);
  HttpReply::Finish(terms, output);
  return true;
}

}  // namespace polyserve
