#include "protocol/http/authorization.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "access/auth_file.h"
#include "protocol/http/credentials.h"
#include "protocol/http/log_entry.h"
#include "protocol/http/reply.h"

namespace polyserve {

namespace {

// RFC 7617, section 2.1: names and passwords are UTF-8. A bearer token needs no challenge: its owner knows that it has
// to be sent.
constexpr absl::string_view kChallenge = "WWW-Authenticate: Basic realm=\"polyserve\", charset=\"UTF-8\"\r\n";

Right RightFor(const HttpRequest& request, const HttpTarget& target) {
  if (target.is_chat()) return Right::kChat;
  if (target.is_servers_own()) return Right::kAdmin;
  return request.method == HttpMethod::kPut ? Right::kWrite : Right::kRead;
}

}  // namespace

HttpAuthorization::HttpAuthorization(std::shared_ptr<const HttpSite> site, absl::string_view peer)
    : site_(std::move(site)), peer_(peer) {}

// The address comes first: it costs nothing to look at.
HttpAuthorization::Result HttpAuthorization::Check(const HttpRequest& request, const HttpTarget& target,
                                                   Output& output) {
  if (target.is_probe()) return Result::kAllowed;
  const Right right = RightFor(request, target);
  if (right == Right::kAdmin && !site_->options().admin_from.Contains(peer_)) {
    return Refuse(403, "the server's own pages are not for this address (--admin_from)", "", request, output);
  }
  if (site_->options().access == nullptr) return Result::kAllowed;
  const Access& access = *site_->options().access;
  Permissions permissions = proved_name_.empty() ? access.Everyone() : access.PermissionsOf(proved_name_);
  if (const Result result = Authenticate(request, permissions, output); result != Result::kAllowed) return result;
  const bool has_directory = right == Right::kRead || right == Right::kWrite;
  if (request.terms.log != nullptr && !permissions.user().empty()) request.terms.log->set_user(permissions.user());
  if (permissions.Allow(right, has_directory ? absl::string_view(target.name) : "")) {
    permissions_ = std::move(permissions);
    return Result::kAllowed;
  }
  if (permissions.user().empty()) return Refuse(401, "a name and a password are needed", kChallenge, request, output);
  return Refuse(403, "the user lacks the right", "", request, output);
}

HttpAuthorization::Result HttpAuthorization::Refuse(int code, absl::string_view why, absl::string_view fields,
                                                    const HttpRequest& request, Output& output) const {
  WriteHttpError(code, why, request.TermsWithoutContent(), *site_, output, fields);
  return Result::kRefused;
}

// Wrong credentials are refused even if everyone may have what is asked for: a client that believes that it is known
// should learn that it is not.
HttpAuthorization::Result HttpAuthorization::Authenticate(const HttpRequest& request, Permissions& permissions,
                                                          Output& output) {
  const std::optional<HttpCredentials> credentials = ParseHttpCredentials(request.authorization);
  if (!credentials.has_value()) return Result::kAllowed;
  if (credentials->name.empty()) return Refuse(401, "the credentials are malformed", kChallenge, request, output);
  const std::shared_ptr<const Access>& access = site_->options().access;
  if (login_ == nullptr) login_ = std::make_unique<Login>(access, peer_);
  switch (login_->Try(credentials->name, credentials->secret, output)) {
    case Login::Result::kPending:
      return Result::kPending;
    case Login::Result::kWrong:
      return Refuse(401, "the name or the password is wrong", kChallenge, request, output);
    case Login::Result::kTooMany:
      return Refuse(429, "too many wrong passwords from this address",
                    absl::StrCat("Retry-After: ", access->retry_seconds(), "\r\n"), request, output);
    case Login::Result::kRight:
      permissions = login_->TakePermissions();
      return Result::kAllowed;
  }
  return Result::kAllowed;
}

}  // namespace polyserve
