// HttpTarget: which file a request-target stands for, and the way back: how a name is written in a link.
#ifndef POLYSERVE_PROTOCOL_HTTP_TARGET_H_
#define POLYSERVE_PROTOCOL_HTTP_TARGET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpTarget {
  std::string name;           // Of the library, decoded, without slashes at its ends; "" is the root.
  bool is_directory = false;  // It was written with a slash at its end.
  absl::string_view query;    // What follows the '?', with it; points into the target that was parsed.
};

// Takes the origin form ("/a%20b?x") and the absolute form ("http://host/a%20b?x"). InvalidArgument: it is neither, or
// not well encoded, or ".." leads out of the root. Slashes are merged, and the parts "." and ".." removed, encoded ones
// as well ("//a/./b/%2e%2e/c" is "a/c"). An encoded slash is refused: no name can hold one. That the name is one that
// the library takes is not checked.
absl::StatusOr<HttpTarget> ParseHttpTarget(absl::string_view target);

// The name with all bytes encoded that a path must not hold, or that mean something in it; slashes stay.
std::string EncodeHttpPath(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_TARGET_H_
