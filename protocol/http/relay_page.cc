#include "protocol/http/relay_page.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "protocol/http/reply.h"
#include "protocol/relay_targets.h"

namespace polyserve {

namespace {

// A value as forms write it (URL Standard, "application/x-www-form-urlencoded"): %41, and + for a blank.
std::optional<std::string> DecodeValue(absl::string_view text) {
  std::string value;
  while (!text.empty()) {
    if (text[0] != '%') {
      value.push_back(text[0] == '+' ? ' ' : text[0]);
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3 || !absl::ascii_isxdigit(text[1]) || !absl::ascii_isxdigit(text[2])) return std::nullopt;
    value += absl::HexStringToBytes(text.substr(1, 2));
    text.remove_prefix(3);
  }
  return value;
}

// The first field of this name; nothing if there is none, or if it is badly encoded.
std::optional<std::string> FieldOf(absl::string_view query, absl::string_view name) {
  for (absl::string_view field : absl::StrSplit(absl::StripPrefix(query, "?"), '&')) {
    if (absl::ConsumePrefix(&field, name) && absl::ConsumePrefix(&field, "=")) return DecodeValue(field);
  }
  return std::nullopt;
}

void WriteAnswer(const HttpSite& site, const HttpReplyTerms& terms, const RelayAnswer& answer, Output& output) {
  if (answer.code != 200) return WriteHttpError(answer.code, answer.text, terms, site, output);
  HttpReply reply(200, terms, site);
  reply.Add("Content-Type", "text/plain; charset=utf-8").Add("Content-Length", answer.text.size() + 1);
  reply.Add("Cache-Control", "no-store");
  reply.WriteTo(output, absl::StrCat(answer.text, "\n"));
  HttpReply::Finish(terms, output);
}

}  // namespace

// The connection stays open, unlike those of the other pages under /-/, which a page asks for every second.
void AnswerRelay(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, absl::string_view query,
                 Output& output) {
  const HttpReplyTerms terms = request.TermsWithoutContent();
  const auto refuse = [&](int code, absl::string_view why) { WriteHttpError(code, why, terms, *site, output); };
  // A page of another site could not read the answer, but have the question asked.
  const absl::string_view from = request.sec_fetch_site.value_or("none");
  if (from != "none" && from != "same-origin") return refuse(403, "a page of another site asks");
  const std::optional<std::string> to = FieldOf(query, "to");
  const std::optional<std::string> line = FieldOf(query, "ask");
  if (!to.has_value() || !line.has_value() || !IsRelayLine(*line) || line->size() > RelayTargets::kMaxLineBytes) {
    return refuse(400, "expected: /-/relay?to=HOST:PORT&ask=LINE");
  }
  const std::shared_ptr<const RelayTargets>& targets = site->options().relay;
  const RelayTarget* const target = targets == nullptr ? nullptr : targets->Find(*to);
  if (target == nullptr) return refuse(403, "this server does not ask that one (--relay_to)");
  AskTarget(*targets, *target, *line, output,
            [site, terms](const RelayAnswer& answer, Output& result) { WriteAnswer(*site, terms, answer, result); });
}

}  // namespace polyserve
