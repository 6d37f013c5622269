// MediaTypes: what kind of content a file has, told by the end of its name.
#ifndef POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_
#define POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class MediaTypes {
 public:
  // The system's table, /etc/mime.types (Debian maintains it in the package media-types). If it is absent or empty,
  // a small one for the files of web pages takes its place.
  static MediaTypes OfSystem();

  // `table` has lines "type/subtype end1 end2 ..."; '#' starts a comment.
  static MediaTypes Parse(std::string table);

  // For the field Content-Type: text is said to be UTF-8. Unknown: application/octet-stream.
  std::string Find(absl::string_view name) const;

 private:
  std::unique_ptr<const std::string>
      table_;  // Lower case. Some models read it anew for each client: no copies of its words.
  absl::flat_hash_map<absl::string_view, absl::string_view> type_of_;  // By the end of the name, without its dot.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_
