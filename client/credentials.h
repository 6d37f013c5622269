// Credentials: the name under which the user logs in, and where the password comes from.
#ifndef POLYSERVE_CLIENT_CREDENTIALS_H_
#define POLYSERVE_CLIENT_CREDENTIALS_H_

#include <string>

#include "absl/status/statusor.h"

namespace polyserve {

struct Credentials {
  std::string user;      // "": do not log in.
  std::string password;  // Or a token.
};

// The credentials of this user. The password is the first line of `password_file`; if that is "", the value of
// POLYSERVE_PASSWORD in the environment; if that is not set, what the user types at the terminal, which does not show
// it. May block while the user types. In the main thread, before there are others.
//   InvalidArgument     the user or the password cannot be sent: it is empty, or holds a line end, or the user a blank
//   FailedPrecondition  there is no terminal to ask at
//   Cancelled           the user has interrupted the question (client/interrupt.h)
//   others              the file cannot be read
absl::StatusOr<Credentials> FindCredentials(const std::string& user, const std::string& password_file);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CREDENTIALS_H_
