#include "files/name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"

namespace polyserve {

namespace {

constexpr size_t kMaxNameBytes = 4095;  // PATH_MAX without its end.
constexpr size_t kMaxPartBytes = 255;   // NAME_MAX of the usual file systems.

absl::Status CheckPart(absl::string_view part) {
  if (part.empty()) return absl::InvalidArgumentError("the name has an empty part");
  if (part == "." || part == "..") return absl::InvalidArgumentError("the name must not hold . or .. as a part");
  if (part.size() > kMaxPartBytes) return absl::InvalidArgumentError("the name is too long");
  if (part[0] == '.') return absl::PermissionDeniedError("hidden files are not served");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is missing");
  if (name.size() > kMaxNameBytes) return absl::InvalidArgumentError("the name is too long");
  if (name[0] == '/') return absl::InvalidArgumentError("the name must be relative to the library");
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError("the name must not hold control characters");
  }
  if (!IsUtf8(name)) return absl::InvalidArgumentError("the name is not UTF-8");
  for (absl::string_view part : absl::StrSplit(name, '/')) {
    if (absl::Status status = CheckPart(part); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckNameToRead(absl::string_view name) {
  constexpr absl::string_view kWellKnown = ".well-known";
  if (name == kWellKnown) return absl::OkStatus();
  absl::string_view within = name;
  if (absl::ConsumePrefix(&within, kWellKnown) && absl::ConsumePrefix(&within, "/")) return CheckName(within);
  return CheckName(name);
}

}  // namespace polyserve
