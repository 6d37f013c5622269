#include "access/test_users.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {

TestUsers::TestUsers(absl::string_view text, int failures_per_minute)
    : path_(absl::StrCat(testing::TempDir(), "/users-XXXXXX")) {
  const UniqueFd made(::mkstemp(path_.data()));  // For the owner alone.
  EXPECT_TRUE(made.ok());
  Write(text);
  absl::StatusOr<std::shared_ptr<Access>> access =
      Access::Open({.path = path_, .failures_per_minute = failures_per_minute}, *table_);
  EXPECT_TRUE(access.ok()) << access.status();
  if (access.ok()) access_ = *std::move(access);
}

TestUsers::~TestUsers() { ::unlink(path_.c_str()); }

void TestUsers::Replace(absl::string_view text) {
  Write(text);
  const absl::Status status = access_->Reload();
  EXPECT_TRUE(status.ok()) << status;
}

void TestUsers::Write(absl::string_view text) { std::ofstream(path_, std::ios::trunc) << text; }

}  // namespace polyserve
