#include "address_options.h"

#include <gflags/gflags.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/take.h"

DEFINE_string(admin_from, "",
              "=ADDRESS[/BITS],... the addresses that get /-/ and what is beneath it, except for the chat; by default "
              "all");
DEFINE_string(proxy_protocol_from, "",
              "=ADDRESS[/BITS],... load balancers, each of whose TCP connections has to begin with a header of the "
              "PROXY protocol (1 or 2) that names the client; by default none, and a header is not understood");

namespace polyserve {

namespace {

absl::StatusOr<AddressSet> ParseFlag(absl::string_view name, const std::string& text) {
  absl::StatusOr<AddressSet> addresses = AddressSet::Parse(text);
  if (addresses.ok()) return addresses;
  return absl::InvalidArgumentError(absl::StrCat("--", name, ": ", addresses.status().message()));
}

}  // namespace

absl::StatusOr<AddressOptions> AddressOptionsFromFlags() {
  AddressOptions options;
  absl::Status status;
  if (!FLAGS_admin_from.empty()) status.Update(Take(ParseFlag("admin_from", FLAGS_admin_from), options.admin_from));
  if (!FLAGS_proxy_protocol_from.empty()) {
    status.Update(Take(ParseFlag("proxy_protocol_from", FLAGS_proxy_protocol_from), options.balancers));
  }
  if (!status.ok()) return status;
  return options;
}

}  // namespace polyserve
