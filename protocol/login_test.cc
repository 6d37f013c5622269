// A login: what is verified, where, and how often.
#include "protocol/login.h"

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/access.h"
#include "access/auth_file.h"
#include "access/test_users.h"
#include "gtest/gtest.h"
#include "protocol/output.h"

namespace polyserve {

namespace {

using Result = Login::Result;

constexpr absl::string_view kAddress = "192.0.2.1";

class LoginTest : public testing::Test {
 protected:
  Login NewLogin(absl::string_view address = kAddress) { return Login(users_.access(), address); }

  // Tries until the result is known, and does what the output asks for.
  static Result TryToTheEnd(Login& login, absl::string_view name, absl::string_view secret) {
    while (true) {
      Output output;
      const Result result = login.Try(name, secret, output);
      if (result != Result::kPending) return result;
      EXPECT_TRUE(output.has_work());
      output.TakeWork()(output);
      EXPECT_TRUE(output.empty()) << "the answer is the session's";
    }
  }

  TestUsers users_{absl::StrCat("*::read:/public\nada:", TestUsers::kHash, ":write\nbob:", TestUsers::kHash, ":chat\n"),
                   /*failures_per_minute=*/2};
};

TEST_F(LoginTest, SecretIsVerifiedInATask) {
  Login login = NewLogin();
  Output output;
  EXPECT_EQ(login.Try("ada", "secret", output), Result::kPending);
  ASSERT_TRUE(output.has_work());
  EXPECT_FALSE(output.waits_before_work());
  // On another thread, as by --offload.
  std::thread([task = output.TakeWork(), &output]() mutable { task(output); }).join();
  EXPECT_EQ(login.Try("ada", "secret", output), Result::kRight);
  EXPECT_FALSE(output.has_work());
  const Permissions ada = login.TakePermissions();
  EXPECT_EQ(ada.user(), "ada");
  EXPECT_TRUE(ada.Allow(Right::kWrite, "a"));
}

TEST_F(LoginTest, SecretThatWasRightLatelyIsNotVerifiedAgain) {
  Login first = NewLogin();
  EXPECT_EQ(TryToTheEnd(first, "ada", "secret"), Result::kRight);
  Login second = NewLogin("192.0.2.2");
  Output output;
  EXPECT_EQ(second.Try("ada", "secret", output), Result::kRight);
  EXPECT_FALSE(output.has_work());
}

TEST_F(LoginTest, WrongSecretIsVerifiedEachTime) {
  Login login = NewLogin();
  EXPECT_EQ(TryToTheEnd(login, "ada", "wrong"), Result::kWrong);
  Output output;
  EXPECT_EQ(login.Try("ada", "wrong", output), Result::kPending);
}

TEST_F(LoginTest, UserWithAnotherSecretIsAnotherUser) {
  Login login = NewLogin();
  EXPECT_EQ(TryToTheEnd(login, "ada", "secret"), Result::kRight);
  EXPECT_EQ(TryToTheEnd(login, "bob", "secret"), Result::kRight);
  const Permissions bob = login.TakePermissions();
  EXPECT_EQ(bob.user(), "bob");
  EXPECT_FALSE(bob.Allow(Right::kWrite, "a"));
}

TEST_F(LoginTest, AddressThatHasFailedTooOftenIsRefusedAfterAFewPauses) {
  Login login = NewLogin();
  EXPECT_EQ(TryToTheEnd(login, "ada", "wrong"), Result::kWrong);
  EXPECT_EQ(TryToTheEnd(login, "ada", "wrong"), Result::kWrong);
  EXPECT_EQ(TryToTheEnd(login, "ada", "secret"), Result::kTooMany);
  EXPECT_EQ(users_.access()->figures().wrong, 2);
  EXPECT_EQ(users_.access()->figures().refused, 1);
  Login elsewhere = NewLogin("192.0.2.2");
  EXPECT_EQ(TryToTheEnd(elsewhere, "ada", "secret"), Result::kRight);
  EXPECT_EQ(TryToTheEnd(login, "ada", "secret"), Result::kRight) << "known by now";
}

// A browser opens several connections at once, with the same password.
TEST_F(LoginTest, LoginWaitsForAnotherOneOfItsAddressThatIsUnderWay) {
  Login first = NewLogin();
  Login second = NewLogin();
  Login third = NewLogin();
  Output outputs[3];
  EXPECT_EQ(first.Try("ada", "secret", outputs[0]), Result::kPending);
  EXPECT_EQ(second.Try("ada", "secret", outputs[1]), Result::kPending);
  EXPECT_EQ(third.Try("ada", "secret", outputs[2]), Result::kPending) << "no attempt is left";
  EXPECT_TRUE(outputs[2].waits_before_work()) << "a pause";
  outputs[0].TakeWork()(outputs[0]);
  outputs[2].TakeWork()(outputs[2]);
  EXPECT_EQ(third.Try("ada", "secret", outputs[2]), Result::kRight);
}

TEST_F(LoginTest, PasswordThatChangesWhileItIsVerifiedIsVerifiedOnceMore) {
  Login login = NewLogin();
  Output output;
  EXPECT_EQ(login.Try("ada", "secret", output), Result::kPending);
  output.TakeWork()(output);
  users_.Replace(absl::StrCat("ada:", TestUsers::kOtherHash, ":write\n"));
  EXPECT_EQ(TryToTheEnd(login, "ada", "secret"), Result::kWrong);
}

}  // namespace

}  // namespace polyserve
