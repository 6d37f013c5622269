// MediaTypes: the media type of a file (RFC 9110, section 8.3), by the extension of its name. Files are never opened to
// guess it: a guess from the content can turn a harmless text into a page that runs scripts. Immutable after
// construction, so safe for use from several threads.
#ifndef POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_
#define POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class MediaTypes {
 public:
  // Reads the system's table, /etc/mime.types (Debian maintains it in the package media-types). If it is absent or
  // empty, returns a small built-in one for the files of web pages.
  static MediaTypes OfSystem();

  // `table` has lines "type/subtype extension1 extension2 ..."; '#' starts a comment. If several lines name an
  // extension, the first one counts.
  static MediaTypes Parse(std::string table);

  // The value for the field Content-Type: "text/html; charset=utf-8" (all text is served as UTF-8), and
  // "application/octet-stream" for unknown extensions. Case is ignored.
  std::string Find(absl::string_view name) const;

 private:
  // In lower case, and on the heap, so that views of it survive a move. Its words are not copied, because some models
  // read the table anew for each client.
  std::unique_ptr<const std::string> table_;
  // By the extension, without its dot.
  absl::flat_hash_map<absl::string_view, absl::string_view> type_of_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_MEDIA_TYPES_H_
