// Login: how a session gets from the credentials of its peer to what the peer may do. It never waits: a secret that was
// not found right lately is verified in a task (Output::Work()), since that takes up to some hundred milliseconds of
// processor time. Meanwhile the session leaves the request in its input, and tries again when it is passed once more.
//
//   switch (login.Try(name, secret, output)) {
//     case Login::Result::kPending:  return;   // Consume nothing, append nothing: the output has a task.
//     case Login::Result::kRight:    permissions = login.TakePermissions(); ...
//     case Login::Result::kWrong:    ...
//     case Login::Result::kTooMany:  ...
//
//   Try() ─┬▶ found right lately: kRight
//          ├▶ the address may try: a task verifies, kPending ──▶ Try(): kRight or kWrong
//          ├▶ another attempt of the address is under way: a pause, kPending ──▶ Try() again
//          └▶ the address has failed too often: kTooMany
#ifndef POLYSERVE_PROTOCOL_LOGIN_H_
#define POLYSERVE_PROTOCOL_LOGIN_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "protocol/output.h"

namespace polyserve {

// One for each session that has credentials; one thread at a time. Streams only: datagrams have no OnResume().
class Login {
 public:
  enum class Result { kRight, kWrong, kTooMany, kPending };

  // A client that opens several connections at once sends the same credentials over all of them. Those that find no
  // attempt left wait for those that have one, which the cache then spares the others.
  static constexpr absl::Duration kPause = absl::Milliseconds(50);
  static constexpr int kMaxPauses = 40;

  // `address` is the peer's, as Session::OnPeer() has it.
  Login(std::shared_ptr<const Access> access, absl::string_view address);
  ~Login();

  // After kPending, call it again with the same credentials.
  // REQUIRES: output.wants_more().
  Result Try(absl::string_view name, absl::string_view secret, Output& output);

  // What the user may do. Call it once after kRight: an idle session should not keep a version of the file.
  Permissions TakePermissions() { return std::exchange(permissions_, Permissions()); }

 private:
  struct Attempt;

  const std::shared_ptr<const Access> access_;
  const std::string address_;
  std::shared_ptr<Attempt> attempt_;  // Under way, or its result is not looked at yet; null: none.
  int pauses_ = 0;
  Permissions permissions_;
};

// What the command "A <user> <password>" of file and chat comes to.
struct LoginAnswer {
  Login::Result result;
  int code = 0;                // Of the refusal, if `result` is neither kRight nor kPending;
  absl::string_view why = {};  // and its text, in static storage.
};
// `login` null: the server has no passwords. Otherwise as Try().
LoginAnswer TryLoginCommand(Login* login, absl::string_view user_and_password, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_LOGIN_H_
