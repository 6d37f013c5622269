// Credentials: where a password comes from, and what is none. What a terminal shows: tests/client_prompt_test.cc.
#include "client/credentials.h"

#include <stdlib.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

class CredentialsTest : public testing::Test {
 protected:
  ~CredentialsTest() override { ::unsetenv("POLYSERVE_PASSWORD"); }

  std::string PasswordInFile(absl::string_view content) {
    std::ofstream(path_, std::ios::binary) << content;
    const absl::StatusOr<Credentials> credentials = FindCredentials("ada", path_);
    return credentials.ok() ? credentials->password : absl::StrCat("(", credentials.status().message(), ")");
  }

  const std::string path_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/password");
};

TEST_F(CredentialsTest, PasswordIsTheFirstLineOfTheFile) {
  EXPECT_EQ(PasswordInFile("secret\nmore\n"), "secret");
  EXPECT_EQ(PasswordInFile(" two words \r\n"), " two words ");
  EXPECT_EQ(PasswordInFile("no line end"), "no line end");
  EXPECT_EQ(PasswordInFile("\nsecret\n"), "(the password is empty, or more than one line)");
  EXPECT_TRUE(absl::IsNotFound(FindCredentials("ada", "/none").status()));
}

TEST_F(CredentialsTest, PasswordComesFromTheEnvironmentIfThereIsNoFile) {
  ::setenv("POLYSERVE_PASSWORD", "from the environment", 1);
  EXPECT_EQ(FindCredentials("ada", "").value().password, "from the environment");
  EXPECT_EQ(FindCredentials("ada", "").value().user, "ada");
  EXPECT_EQ(PasswordInFile("from the file\n"), "from the file");
  ::setenv("POLYSERVE_PASSWORD", "two\nlines", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(FindCredentials("ada", "").status()));
}

TEST_F(CredentialsTest, UserIsOneWord) {
  ::setenv("POLYSERVE_PASSWORD", "secret", 1);
  for (const char* user : {"", "a b", "a\nb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FindCredentials(user, "").status())) << user;
  }
}

}  // namespace

}  // namespace polyserve
