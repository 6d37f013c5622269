// The files of the page at /-/, compiled into the program: embed.sh writes assets.cc at build time. So the server needs
// no files beside it, and a page always belongs to the server that sends it.
#ifndef POLYSERVE_PROTOCOL_HTTP_PAGE_ASSETS_H_
#define POLYSERVE_PROTOCOL_HTTP_PAGE_ASSETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyserve {

// Static storage throughout.
struct PageAsset {
  absl::string_view name;  // "app.js"
  absl::string_view content;
  absl::string_view hash;  // Of the content: letters and digits.
};

// In no particular order. Any thread.
absl::Span<const PageAsset> AllPageAssets();

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_PAGE_ASSETS_H_
