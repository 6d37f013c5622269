// RedisUrl: where a Redis is, and who asks it: "redis://[USER:PASSWORD@]HOST[:PORT][/DB]", or "rediss://" for TLS.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_URL_H_
#define POLYSERVE_ROOM_REDIS_REDIS_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct RedisUrl {
  bool has_tls = false;
  std::string host;     // A name or an address; of IPv6 without brackets.
  std::string address;  // "HOST:PORT", for Endpoint::Parse().
  std::string user;     // Empty: Redis' default user.
  std::string password;
  int database = 0;

  // As it was given, but without user and password: for logs and errors.
  std::string shown() const;

  // User and password may have any bytes, written as %40 and the like (RFC 3986, section 2.1). The port is 6379 unless
  // given, the database 0. InvalidArgument: it has not this form. The error does not repeat the text, which may have a
  // password in it.
  static absl::StatusOr<RedisUrl> Parse(absl::string_view text);
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_URL_H_
