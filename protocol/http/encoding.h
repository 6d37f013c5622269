// The content codings in which a file may lie beside itself, ready to send: NAME.zst, NAME.br, NAME.gz.
#ifndef POLYSERVE_PROTOCOL_HTTP_ENCODING_H_
#define POLYSERVE_PROTOCOL_HTTP_ENCODING_H_

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpEncoding {
  absl::string_view name;         // In Accept-Encoding and Content-Encoding.
  absl::string_view end_of_name;  // Of the file.
};

// Those that Accept-Encoding (RFC 9110, section 12.5.3) takes and does not like less than the file as it is, the best
// liked first; among equals the one that commonly is the smallest.
absl::InlinedVector<HttpEncoding, 3> AcceptedHttpEncodings(absl::string_view accept_encoding);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_ENCODING_H_
