#include "tls_flags.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/command_line.h"

DEFINE_string(tls_cert, "",
              "=FILE,... the certificates for +tls, in the form of PEM, each followed by those that lead to a root; a "
              "client gets the one for the host that it names, or the first; SIGHUP reads them anew");
DEFINE_string(tls_key, "",
              "=FILE,... the private key of each certificate, in the same order; unless given, it is in the "
              "certificate's file");
DEFINE_string(tls_client_ca, "",
              "=FILE the authorities, one of which must have signed the certificate of each client of +tls; with "
              "--auth_file, a client is the user whom its certificate names; unless given, clients need none");
DEFINE_string(tls_client_cert, "require",
              "=require|optional with --tls_client_ca: whether to refuse clients without a certificate, or to serve "
              "them what everyone may have");

namespace polyserve {

absl::StatusOr<TlsFiles> TlsFilesFromFlags(bool has_tls) {
  TlsFiles files{.certificates = absl::StrSplit(FLAGS_tls_cert, ',', absl::SkipWhitespace()),
                 .keys = absl::StrSplit(FLAGS_tls_key, ',', absl::SkipWhitespace()),
                 .client_ca = FLAGS_tls_client_ca,
                 .client_may_have_none = FLAGS_tls_client_cert == "optional"};
  if (!files.client_may_have_none && FLAGS_tls_client_cert != "require") {
    return absl::InvalidArgumentError(
        absl::StrCat("--tls_client_cert=", FLAGS_tls_client_cert, " is not one of require, optional"));
  }
  if (files.client_ca.empty() && IsFlagSet("tls_client_cert")) {
    return absl::InvalidArgumentError("--tls_client_cert goes with --tls_client_ca=FILE; leave it out, or give both");
  }
  if (!has_tls && (!files.certificates.empty() || !files.keys.empty() || !files.client_ca.empty())) {
    return absl::InvalidArgumentError(
        "--tls_cert, --tls_key and --tls_client_ca are for services with +tls, and --listen has none, such as "
        "http+tls://127.0.0.1:8443");
  }
  if (has_tls && files.certificates.empty()) {
    return absl::InvalidArgumentError(
        "--listen: services with +tls need a certificate: --tls_cert=FILE --tls_key=FILE");
  }
  if (!files.keys.empty() && files.keys.size() != files.certificates.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--tls_key has ", files.keys.size(), " files, and --tls_cert ",
                                                   files.certificates.size(),
                                                   "; give one key for each certificate, in the same order"));
  }
  return files;
}

}  // namespace polyserve
