// Names that peers send: one that is accepted is neither absolute nor hidden, and has no way up.
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/utf8.h"
#include "files/name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view name(reinterpret_cast<const char*>(data), size);
  if (!polyserve::CheckName(name).ok()) return 0;
  CHECK(polyserve::IsUtf8(name));
  CHECK(!name.empty() && name.find('\0') == absl::string_view::npos && !absl::StartsWith(name, "/"));
  CHECK(!absl::StrContains(absl::StrCat("/", name), "/."));
  return 0;
}
