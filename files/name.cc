#include "files/name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

constexpr size_t kMaxNameBytes = 4095;  // PATH_MAX without its end.
constexpr size_t kMaxPartBytes = 255;   // NAME_MAX of the usual file systems.

// For well-formed UTF-8, in which a byte 0xC2 always has one behind it. U+0080 to U+009F are 0xC2 and a byte below
// 0xA0.
bool HasControlCharacter(absl::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(name[i]))) return true;
    if (name[i] == '\xC2' && static_cast<unsigned char>(name[i + 1]) < 0xA0) return true;
  }
  return false;
}

// A part that begins with a dot is hidden (ls(1)), so ".." alone would be refused as well; it is named first since the
// reason helps the peer more. The hidden names of unfinished uploads are out of reach by this rule, too.
absl::Status CheckPart(absl::string_view part) {
  if (part.empty()) return absl::InvalidArgumentError("the name has an empty part");
  if (part == "." || part == "..") return absl::InvalidArgumentError("the name must not hold . or .. as a part");
  if (part.size() > kMaxPartBytes) return absl::InvalidArgumentError("the name is too long");
  if (part[0] == '.') return absl::PermissionDeniedError("hidden files are not served");
  return absl::OkStatus();
}

}  // namespace

// The length comes first, so that a peer cannot make the checks behind it expensive.
absl::Status CheckName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is missing");
  if (name.size() > kMaxNameBytes) return absl::InvalidArgumentError("the name is too long");
  // The splitting below would find an empty part in front of it; this says better what is wrong.
  if (name[0] == '/') return absl::InvalidArgumentError("the name must be relative to the library");
  if (!IsUtf8(name)) return absl::InvalidArgumentError("the name is not UTF-8");
  if (HasControlCharacter(name)) return absl::InvalidArgumentError("the name must not hold control characters");
  for (absl::string_view part : absl::StrSplit(name, '/')) {
    if (absl::Status status = CheckPart(part); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// What is within the directory must pass as any other name: ".well-known/.git" stays hidden.
absl::Status CheckNameToRead(absl::string_view name) {
  constexpr absl::string_view kWellKnown = ".well-known";
  if (name == kWellKnown) return absl::OkStatus();
  absl::string_view within = name;
  if (absl::ConsumePrefix(&within, kWellKnown) && absl::ConsumePrefix(&within, "/")) return CheckName(within);
  return CheckName(name);
}

}  // namespace polyserve
