// AuthFile: who may do what, as the file of --auth_file says it. One user a line:
//
//   # name:hash:rights
//   *::read:/public                                     those who do not say who they are
//   ada:$y$j9T$...:read read,write:/home/ada chat
//   ci:$2b$10$...:write:/builds
//   root:!:read,write,chat,admin                        no password is right; see kNoPassword
//
//   name    letters, digits and -._@+ ; "*" is everyone, with an empty hash
//   hash    of a password or a token, by yescrypt or bcrypt, as crypt(5) writes it; tools/password makes one
//   rights  grants, separated by blanks: rights with commas between them, then ":/DIRECTORY" if they hold only for what
//           is in it. In a directory, %20 stands for a blank, and so on. "chat" and "admin" have no directory.
//
// Grants add up: a user may do what any grant of the line allows, and all that "*" may. Nothing is taken away by a
// line.
#ifndef POLYSERVE_ACCESS_AUTH_FILE_H_
#define POLYSERVE_ACCESS_AUTH_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

enum class Right : uint8_t {
  kRead = 1,   // Files and listings.
  kWrite = 2,  // Uploads and new directories.
  kChat = 4,   // Joining the chat room.
  kAdmin = 8,  // What the server says of itself, under /-/.
};

// Some rights, in a directory and all that is beneath it.
struct Grant {
  uint8_t rights;         // A set of Right.
  std::string directory;  // As names of the library are: "a/b", "" for the root.
};

struct AuthUser {
  std::string name;
  std::string hash;  // "" for "*".
  std::vector<Grant> grants;

  // `name` is a name of the library as it is looked up: relative, without ".." or empty parts; "" is the root. For
  // rights that have no directory it is "".
  bool May(Right right, absl::string_view name) const;
};

// Immutable: any thread may use it.
class AuthFile {
 public:
  // Some thousand users. The processes of a server share this much memory for each of two versions.
  static constexpr size_t kMaxBytes = 256 * 1024;
  // In place of a hash: no password fits. The user is locked out, unless the transport proves the name.
  static constexpr absl::string_view kNoPassword = "!";

  // InvalidArgument, with the number of the line and the reason, if any line is not as above. The text of the error
  // holds no hash.
  static absl::StatusOr<AuthFile> Parse(absl::string_view text);

  // Null if there is none of this name; "*" is not found.
  const AuthUser* Find(absl::string_view name) const;
  // What everyone may; without grants if there is no line for "*".
  const AuthUser& everyone() const { return everyone_; }
  // A hash to compare the passwords of unknown names with, so that the answer to them takes as long as to those of
  // known ones. "" if no user has a password.
  absl::string_view decoy_hash() const { return decoy_hash_; }

 private:
  absl::Status AddLine(absl::string_view line);

  absl::flat_hash_map<std::string, AuthUser> users_;
  AuthUser everyone_;
  bool has_everyone_ = false;
  std::string decoy_hash_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_AUTH_FILE_H_
