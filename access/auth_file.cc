#include "access/auth_file.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "access/password_hash.h"

namespace polyserve {

namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr absl::string_view kEveryone = "*";
// These hold for the whole server.
constexpr uint8_t kRightsWithoutDirectory = static_cast<uint8_t>(Right::kChat) | static_cast<uint8_t>(Right::kAdmin);

struct NamedRight {
  absl::string_view name;
  Right right;
};
constexpr NamedRight kRights[] = {
    {"read", Right::kRead}, {"write", Right::kWrite}, {"chat", Right::kChat}, {"admin", Right::kAdmin}};

// Names are written to the access log, and stand before the dot of a bearer token (RFC 6750, section 2.1), so they hold
// nothing that either could misread.
bool IsName(absl::string_view name) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._@+", absl::string_view(&c, 1));
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), fits);
}

absl::StatusOr<uint8_t> ParseRights(absl::string_view text) {
  uint8_t rights = 0;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    const auto* found = std::find_if(std::begin(kRights), std::end(kRights),
                                     [word](const NamedRight& known) { return known.name == word; });
    if (found == std::end(kRights)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", word, "' is not a right; there are read, write, chat and admin"));
    }
    rights |= static_cast<uint8_t>(found->right);
  }
  return rights;
}

// Undoes percent-encoding (RFC 3986, section 2.1), by which a directory may hold blanks. False if it is malformed.
bool Decode(absl::string_view text, std::string& decoded) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      return false;
    }
    decoded.push_back(absl::HexStringToBytes(text.substr(i + 1, 2))[0]);
    i += 2;
  }
  return true;
}

// "/a/b/" -> "a/b". A part that no name of the library can have would make a grant that never holds.
absl::StatusOr<std::string> ParseDirectory(absl::string_view text) {
  const absl::Status error = absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a directory of the root, such as /public or /two%20words"));
  std::string directory;
  if (!absl::ConsumePrefix(&text, "/") || !Decode(text, directory)) return error;
  if (directory.empty()) return directory;
  if (absl::EndsWith(directory, "/")) directory.pop_back();
  for (const absl::string_view part : absl::StrSplit(directory, '/')) {
    if (part.empty() || part == "." || part == "..") return error;
  }
  return directory;
}

absl::StatusOr<Grant> ParseGrant(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  const absl::StatusOr<uint8_t> rights = ParseRights(parts.first);
  if (!rights.ok()) return rights.status();
  if (parts.first.size() == text.size()) return Grant{*rights, ""};
  if ((*rights & kRightsWithoutDirectory) != 0) {
    return absl::InvalidArgumentError("chat and admin hold for the whole server; grant them without a directory");
  }
  absl::StatusOr<std::string> directory = ParseDirectory(parts.second);
  if (!directory.ok()) return directory.status();
  return Grant{*rights, *std::move(directory)};
}

absl::StatusOr<std::vector<Grant>> ParseGrants(absl::string_view text) {
  std::vector<Grant> grants;
  for (const absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
    absl::StatusOr<Grant> grant = ParseGrant(word);
    if (!grant.ok()) return grant.status();
    grants.push_back(*std::move(grant));
  }
  if (grants.empty()) return absl::InvalidArgumentError("there are no rights; name some of read, write, chat, admin");
  return grants;
}

// Never repeats the hash: errors are logged.
absl::Status CheckHash(absl::string_view name, absl::string_view hash) {
  if (name == kEveryone) {
    return hash.empty() ? absl::OkStatus()
                        : absl::InvalidArgumentError("'*' is everyone, and has no password: leave the hash empty");
  }
  if (hash.empty()) {
    return absl::InvalidArgumentError("the hash is missing; tools/password makes one, and '!' is for no password");
  }
  if (hash == AuthFile::kNoPassword || IsPasswordHash(hash)) return absl::OkStatus();
  return absl::InvalidArgumentError("the hash is neither yescrypt's nor bcrypt's; tools/password makes one");
}

// Whether the directory is `name`, or has it in it: "/ada" is not "/adams".
bool Covers(absl::string_view directory, absl::string_view name) {
  if (directory.empty()) return true;
  return absl::ConsumePrefix(&name, directory) && (name.empty() || name[0] == '/');
}

}  // namespace

bool AuthUser::May(Right right, absl::string_view name) const {
  return std::any_of(grants.begin(), grants.end(), [right, name](const Grant& grant) {
    return (grant.rights & static_cast<uint8_t>(right)) != 0 && Covers(grant.directory, name);
  });
}

absl::StatusOr<AuthFile> AuthFile::Parse(absl::string_view text) {
  AuthFile file;
  file.everyone_.name = std::string(kEveryone);
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    if (absl::Status status = file.AddLine(line); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", status.message()));
    }
  }
  return file;
}

absl::Status AuthFile::AddLine(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
  if (fields.size() < 3) return absl::InvalidArgumentError("expected: name:hash:rights");
  const absl::string_view name = fields[0];
  if (name != kEveryone && !IsName(name)) {
    return absl::InvalidArgumentError("a name has 1 to 64 letters, digits and -._@+, or is '*' for everyone");
  }
  if (absl::Status status = CheckHash(name, fields[1]); !status.ok()) return status;
  absl::StatusOr<std::vector<Grant>> grants = ParseGrants(fields[2]);
  if (!grants.ok()) return grants.status();
  if (name == kEveryone ? std::exchange(has_everyone_, true) : users_.contains(name)) {
    return absl::InvalidArgumentError(absl::StrCat("there is a line for '", name, "' already"));
  }
  AuthUser user{std::string(name), std::string(fields[1]), *std::move(grants)};
  if (name == kEveryone) {
    everyone_ = std::move(user);
    return absl::OkStatus();
  }
  if (decoy_hash_.empty() && user.hash != kNoPassword) decoy_hash_ = user.hash;
  users_.emplace(name, std::move(user));
  return absl::OkStatus();
}

const AuthUser* AuthFile::Find(absl::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

}  // namespace polyserve
