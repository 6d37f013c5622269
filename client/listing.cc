#include "client/listing.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/format.h"

namespace polyserve {

namespace {

std::string NameAsText(const FileInfo& file, bool to_terminal) {
  return to_terminal ? Printable(file.name) : file.name;
}

nlohmann::json ToJson(const FileInfo& file) {
  return {{"name", file.name}, {"size", file.size}, {"mtime", file.mtime}};
}

std::string Dump(const nlohmann::json& json) {
  // The default is to throw where a string is not UTF-8.
  return absl::StrCat(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), "\n");
}

}  // namespace

std::string ListingAsText(const std::vector<FileInfo>& files, absl::TimeZone zone, bool to_terminal) {
  std::string text;
  for (const FileInfo& file : files) {
    absl::StrAppendFormat(&text, "%10s  %s  %s\n", HumanSize(file.size), HumanDate(file.mtime, zone),
                          NameAsText(file, to_terminal));
  }
  return text;
}

std::string ListingAsJson(const std::vector<FileInfo>& files) {
  nlohmann::json all = nlohmann::json::array();
  for (const FileInfo& file : files) all.push_back(ToJson(file));
  return Dump(all);
}

std::string FileAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal) {
  return absl::StrFormat("%s: %d bytes (%s), changed %s\n", NameAsText(file, to_terminal), file.size,
                         HumanSize(file.size), HumanDate(file.mtime, zone));
}

std::string FileAsJson(const FileInfo& file) { return Dump(ToJson(file)); }

}  // namespace polyserve
