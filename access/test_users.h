// TestUsers: an Access with a file of users of its own, for tests of sessions.
//
//   TestUsers users(absl::StrCat("ada:", TestUsers::kHash, ":read\n"));
//   FileSession session(library, users.access());
#ifndef POLYSERVE_ACCESS_TEST_USERS_H_
#define POLYSERVE_ACCESS_TEST_USERS_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "access/access.h"

namespace polyserve {

// Expects (EXPECT_...) that the file is valid. One thread.
class TestUsers {
 public:
  // Of "secret", at the lowest cost: a test computes some hundred.
  static constexpr absl::string_view kHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
  // Of "token".
  static constexpr absl::string_view kOtherHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";

  // `failures_per_minute`: 0 is for any number.
  explicit TestUsers(absl::string_view text, int failures_per_minute = 0);
  ~TestUsers();

  // The same object for all sessions, as in a server; never null.
  const std::shared_ptr<Access>& access() const { return access_; }
  // Replaces the file, and has it read anew.
  void Replace(absl::string_view text);

 private:
  void Write(absl::string_view text);

  std::string path_;
  const std::unique_ptr<Access::Table> table_ = std::make_unique<Access::Table>();
  std::shared_ptr<Access> access_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_TEST_USERS_H_
