#include "client/listing.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "base/printable.h"
#include "client/format.h"

namespace polyserve {

namespace {

std::string NameAsText(const FileInfo& file, bool to_terminal) {
  return to_terminal ? Printable(file.name) : file.name;
}

}  // namespace

// HumanSize() has at most 10 characters, and a date 19: so the columns line up without a look at the whole list. The
// name, whose width has no bound, comes last.
std::string ListLineAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal) {
  return absl::StrFormat("%10s  %s  %s\n", HumanSize(file.size), HumanDate(file.mtime, zone),
                         NameAsText(file, to_terminal));
}

std::string FileAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal) {
  return absl::StrFormat("%s: %d bytes (%s), changed %s\n", NameAsText(file, to_terminal), file.size,
                         HumanSize(file.size), HumanDate(file.mtime, zone));
}

std::string FileAsJson(const FileInfo& file) {
  const nlohmann::json json = {{"name", file.name}, {"size", file.size}, {"mtime", file.mtime}};
  // "replace", because the default is to throw if a string is not UTF-8. PrintableJson() escapes what JSON allows but a
  // terminal would execute, such as C1 controls.
  return PrintableJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace polyserve
