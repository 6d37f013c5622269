// The flags about the certificates of +tls.
#ifndef POLYSERVE_TLS_FLAGS_H_
#define POLYSERVE_TLS_FLAGS_H_

#include "absl/status/statusor.h"
#include "protocol/tls/context.h"

namespace polyserve {

// After the flags were parsed; opens no file. `has_tls`: a service of --listen has TLS. Returns InvalidArgument, with
// one line for the user, if a flag is missing, or would have no effect: without its keys, and with other certificates
// than the user has in mind, a server must not start.
absl::StatusOr<TlsFiles> TlsFilesFromFlags(bool has_tls);

}  // namespace polyserve

#endif  // POLYSERVE_TLS_FLAGS_H_
