// HttpSite: what all http sessions share: the library, the media types, replies that are kept, and the time of day as
// replies tell it.
#ifndef POLYSERVE_PROTOCOL_HTTP_SITE_H_
#define POLYSERVE_PROTOCOL_HTTP_SITE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "files/log_file.h"
#include "protocol/http/host.h"
#include "protocol/http/media_types.h"
#include "protocol/http/reply_cache.h"
#include "protocol/http/server_report.h"
#include "protocol/session.h"

namespace polyserve {

// Safe for use from several threads and processes.
class HttpSite {
 public:
  using Clock = int64_t (*)();  // Returns seconds since 1970.

  struct Options {
    // A head has to be complete in so long, and so much of a content has to come (kMinContentBytes); else 408.
    absl::Duration request_timeout = absl::Seconds(20);
    std::shared_ptr<LogFile> access_log = nullptr;   // Null: none is kept.
    std::function<ServerReport()> report = nullptr;  // From any thread. Null: the server tells nothing of itself.
    bool precompressed = false;                      // NAME.gz beside NAME is sent to clients that accept it.
    HttpAllowedHosts allowed_hosts;                  // Others are answered with 421.
    // Pages may have been stored by anybody: browsers give each an origin of its own, so that its scripts cannot act as
    // the server's own pages could, such as speak in the chat.
    bool sandboxes_pages = false;
    SessionFactory chat = nullptr;  // Makes what /-/chat speaks for. Null: there is no chat.
  };

  // Of a content that comes, at least so much has to come in each request_timeout.
  static constexpr int64_t kMinContentBytes = 10 * 1024;

  HttpSite(std::shared_ptr<const Library> library, MediaTypes types, Options options, Clock clock = &SystemClock);

  const Library& library() const { return *library_; }
  const std::shared_ptr<const Library>& shared_library() const { return library_; }
  const MediaTypes& types() const { return types_; }
  const Options& options() const { return options_; }

  HttpReplyCache& reply_cache() const { return *reply_cache_; }

  // "Allow: ...\r\n": the methods that are offered.
  absl::string_view AllowLine() const;

  // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", of now; formatted once a second. Valid until this thread asks again.
  absl::string_view DateLine() const;
  // The date in it.
  absl::string_view Date() const;

  // The time, but not later than Date says: seconds since 1970. Reads the clock only if `time` is later than the last
  // Date of this thread. What is not later than this either may be told in a reply that is begun after the call.
  int64_t NotAfterDate(int64_t time) const;

 private:
  static int64_t SystemClock();

  const std::shared_ptr<const Library> library_;
  const MediaTypes types_;
  const Options options_;
  const std::unique_ptr<HttpReplyCache> reply_cache_;
  const Clock clock_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SITE_H_
