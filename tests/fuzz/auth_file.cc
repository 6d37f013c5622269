// The file of --auth_file: any text is either refused with a line, and without a hash in the reason, or makes users
// whose rights stay within their directories.
#include "access/auth_file.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"

namespace {

using polyserve::AuthFile;
using polyserve::AuthUser;
using polyserve::Right;

void CheckUser(const AuthUser& user) {
  for (const polyserve::Grant& grant : user.grants) {
    CHECK(grant.rights != 0);
    CHECK(!absl::StrContains(absl::StrCat("/", grant.directory, "/"), "/../"));
    for (const Right right : {Right::kRead, Right::kWrite}) {
      if ((grant.rights & static_cast<uint8_t>(right)) == 0) continue;
      CHECK(user.May(right, grant.directory));
      CHECK(user.May(right, absl::StrCat(grant.directory, grant.directory.empty() ? "" : "/", "name")));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<AuthFile> file = AuthFile::Parse(text);
  if (!file.ok()) {
    CHECK(absl::StartsWith(file.status().message(), "line "));
    return 0;
  }
  CheckUser(file->everyone());
  for (const absl::string_view name : {"ada", "bob", "ci", "a.b@c"}) {
    const AuthUser* user = file->Find(name);
    if (user == nullptr) continue;
    CHECK(!user->hash.empty());
    CheckUser(*user);
  }
  return 0;
}
