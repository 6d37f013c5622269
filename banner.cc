#include "banner.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/build_info.h"
#include "base/help_text.h"
#include "base/printable.h"

namespace polyserve {

namespace {

// As --listen has it, and the client's --server.
std::string UrlOf(const Banner::Address& address) {
  return absl::StrCat(address.service->name,
                      address.has_tls         ? "+tls"
                      : address.has_datagrams ? "+udp"
                                              : "",
                      "://", address.at);
}

// The address under which this machine reaches a listener of all addresses: 0.0.0.0 and [::] are none.
std::string HostAndPort(absl::string_view at) {
  for (const absl::string_view any : {"0.0.0.0:", "[::]:"}) {
    if (absl::StartsWith(at, any)) return absl::StrCat("localhost:", at.substr(any.size()));
  }
  return std::string(at);
}

// What to do with the first address of this service; nothing if the server does not offer it.
std::string WhatToTry(const Banner& banner, absl::string_view service) {
  const auto first = std::find_if(
      banner.addresses.begin(), banner.addresses.end(),
      [service](const Banner::Address& address) { return address.service->name == service && !address.has_datagrams; });
  if (first == banner.addresses.end()) return "";
  // Browsers have a name of their own for http over TLS.
  const absl::string_view tls = !first->has_tls ? "" : service == "http" ? "s" : "+tls";
  const std::string url = absl::StrCat(service, tls, "://", HostAndPort(first->at));
  if (service == "http") return absl::StrCat("Browser: ", url, "/ (files), ", url, "/-/ (the server at work)\n");
  if (service == "file") return absl::StrCat("Files:   ", banner.client, " --server=", url, "\n");
  return absl::StrCat("Chat:    ", banner.client, " --server=", url, " chat NAME",
                      banner.has_console ? ", or type here\n" : "\n");
}

}  // namespace

std::string RenderBanner(const Banner& banner) {
  size_t widest = 0;
  for (const Banner::Address& address : banner.addresses) widest = std::max(widest, UrlOf(address).size());
  // The path is the user's, and may hold anything that the name of a file may.
  std::string text = absl::StrCat(
      HelpParagraph(absl::StrCat("Polyserve ", kVersion, ", model ", banner.model, ": ", banner.model_description)),
      "Process ", banner.pid, ", files of ", Printable(banner.root), "\n\n");
  for (const Banner::Address& address : banner.addresses) {
    std::string url = UrlOf(address);
    url.resize(widest, ' ');
    absl::StrAppend(&text, "  ", url, "  ", address.service->description, "\n");
  }
  absl::StrAppend(&text, "\n");
  for (const absl::string_view service : {"http", "file", "chat"}) absl::StrAppend(&text, WhatToTry(banner, service));
  absl::StrAppend(&text, "Stop:    Ctrl-C lets running requests finish; a second Ctrl-C ends the server at once\n");
  return text;
}

}  // namespace polyserve
