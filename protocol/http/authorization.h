// HttpAuthorization: whether the sender of a request may have it answered. The one place of http that knows rights:
//
//   GET, HEAD of a file or directory    read, in the directory where it lies
//   PUT                                 write, in that directory
//   /-/chat                             chat
//   all else under /-/                  admin, and an address of --admin_from
//
// A sender without credentials has the rights of everyone, or of the name that the transport has proved. Refusals: 401
// if credentials are missing or wrong, 403 if they are right and not enough, 429 if the address has sent too many wrong
// ones.
#ifndef POLYSERVE_PROTOCOL_HTTP_AUTHORIZATION_H_
#define POLYSERVE_PROTOCOL_HTTP_AUTHORIZATION_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "access/access.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/target.h"
#include "protocol/login.h"
#include "protocol/output.h"

namespace polyserve {

// One for each connection, whose requests may have different credentials. One thread at a time.
class HttpAuthorization {
 public:
  enum class Result {
    kAllowed,  // Answer it.
    kRefused,  // The refusal is written.
    kPending,  // The sender is being verified: pass the same request again when the output's task is done.
  };

  // `peer` is the client's address, as Session::OnPeer() has it.
  HttpAuthorization(std::shared_ptr<const HttpSite> site, absl::string_view peer);

  // The name that the transport has proved, for requests without credentials.
  void set_proved_name(absl::string_view name) { proved_name_ = std::string(name); }

  // Notes the sender's name for the access log. REQUIRES: output.wants_more().
  Result Check(const HttpRequest& request, const HttpTarget& target, Output& output);
  // Of the sender of the request that was allowed last; none if there is no --auth_file.
  const Permissions& permissions() const { return permissions_; }

 private:
  Result Refuse(int code, absl::string_view why, absl::string_view fields, const HttpRequest& request,
                Output& output) const;
  Result Authenticate(const HttpRequest& request, Permissions& permissions, Output& output);

  const std::shared_ptr<const HttpSite> site_;
  const std::string peer_;
  std::string proved_name_;  // "" if there is none.
  Permissions permissions_;
  std::unique_ptr<Login> login_;  // Null until there are credentials.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_AUTHORIZATION_H_
