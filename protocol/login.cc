#include "protocol/login.h"

#include <string.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "access/failure_limit.h"

namespace polyserve {

namespace {

// The task of a pause that only delays.
void DoNothing(Output&) {}

}  // namespace

// What a task needs. It may run on another thread, and its session may be gone when it ends, so it owns all of it. The
// driver orders its accesses: the session is not called before the task is done.
struct Login::Attempt {
  std::string name;
  std::string secret;
  std::string address;
  bool is_wrong = false;

  ~Attempt() { Wipe(); }
  void Wipe() { ::explicit_bzero(secret.data(), secret.size()); }
};

Login::Login(std::shared_ptr<const Access> access, absl::string_view address)
    : access_(std::move(access)), address_(address) {}
Login::~Login() = default;

// An attempt that was right is in the cache by now. If it is not, because the file has changed or the cache has lost
// it, the secret is verified once more.
Login::Result Login::Try(absl::string_view name, absl::string_view secret, Output& output) {
  const std::shared_ptr<Attempt> last = std::exchange(attempt_, nullptr);
  if (last != nullptr && last->is_wrong) return Result::kWrong;
  if (std::optional<Permissions> known = access_->Recall(name, secret); known.has_value()) {
    pauses_ = 0;
    permissions_ = *std::move(known);
    return Result::kRight;
  }
  const FailureLimit::Answer answer = access_->MayVerify(address_);
  if (answer == FailureLimit::Answer::kSoon && pauses_ < kMaxPauses) {
    ++pauses_;
    output.Pause(kPause, &DoNothing);
    return Result::kPending;
  }
  pauses_ = 0;
  if (answer != FailureLimit::Answer::kGo) {
    access_->CountRefused();
    return Result::kTooMany;
  }
  attempt_ = std::make_shared<Attempt>(Attempt{std::string(name), std::string(secret), address_});
  output.Work([access = access_, attempt = attempt_](Output&) {
    attempt->is_wrong = !access->Verify(attempt->name, attempt->secret, attempt->address);
    attempt->Wipe();
  });
  return Result::kPending;
}

LoginAnswer TryLoginCommand(Login* login, absl::string_view user_and_password, Output& output) {
  using Result = Login::Result;
  if (login == nullptr) return {Result::kWrong, 405, "the server has no passwords (--auth_file)"};
  const size_t blank = user_and_password.find(' ');
  if (blank == absl::string_view::npos) return {Result::kWrong, 400, "expected: A <user> <password>"};
  const Result result = login->Try(user_and_password.substr(0, blank), user_and_password.substr(blank + 1), output);
  if (result == Result::kTooMany) {
    return {result, 429, "too many wrong passwords from this address; try again later"};
  }
  if (result == Result::kWrong) return {result, 401, "the user or the password is wrong"};
  return {result};
}

}  // namespace polyserve
