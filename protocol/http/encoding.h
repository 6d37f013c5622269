// The content codings in which a file may be stored beside itself, compressed in advance: NAME.br, NAME.zst, NAME.gz.
// The server never compresses anything itself: that would cost more than all the rest of a request.
#ifndef POLYSERVE_PROTOCOL_HTTP_ENCODING_H_
#define POLYSERVE_PROTOCOL_HTTP_ENCODING_H_

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpEncoding {
  absl::string_view name;         // As in Accept-Encoding and Content-Encoding: "gzip".
  absl::string_view end_of_name;  // Of the file: ".gz".
};

// Evaluates a field Accept-Encoding (RFC 9110, section 12.5.3). Returns the codings that it accepts and does not rate
// below "identity", the highest weight first; among equals, the one that usually is the smallest. Malformed weights
// count as 0. Empty if only the plain file will do. That file is sent even to a client that excludes it
// ("identity;q=0"), as section 12.4.1 allows.
//
// Any thread, without a lock: each thread remembers the field that it evaluated last, which usually is the next one.
absl::InlinedVector<HttpEncoding, 3> AcceptedHttpEncodings(absl::string_view accept_encoding);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_ENCODING_H_
