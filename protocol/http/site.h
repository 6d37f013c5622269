// HttpSite: the state that all sessions of an http listener share: the library, the media types, the options, cached
// replies, and the current date as replies state it. Sessions own it together (std::shared_ptr), since a task may need
// it when its session is gone.
#ifndef POLYSERVE_PROTOCOL_HTTP_SITE_H_
#define POLYSERVE_PROTOCOL_HTTP_SITE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "access/address_set.h"
#include "base/bound_counters.h"
#include "files/library.h"
#include "files/log_file.h"
#include "protocol/file_fetch.h"
#include "protocol/http/host.h"
#include "protocol/http/media_types.h"
#include "protocol/http/reply_cache.h"
#include "protocol/http/server_report.h"
#include "protocol/relay_targets.h"
#include "protocol/session.h"

namespace polyserve {

// Safe for use from several threads, and after fork(2): it is immutable but for the reply cache, which has a lock of
// its own, and a date that each thread keeps for itself.
class HttpSite {
 public:
  using Clock = int64_t (*)();  // Returns seconds since 1970.

  struct Options {
    // The time allowed for a head, and for each kMinContentBytes of a content. When it is over: 408 (RFC 9110, section
    // 15.5.9), and the connection closes. Infinite for no limit.
    absl::Duration request_timeout = absl::Seconds(20);
    // How long a connection may be silent between two requests, before the server closes it; infinite for as long as
    // the driver lets it.
    absl::Duration keep_alive_timeout = absl::InfiniteDuration();
    // The requests that a connection may have; the reply to the last one closes it. 0: any number.
    int max_requests_per_connection = 0;
    // The requests that an address may have in a second; 429 (RFC 6585, section 4) for those beyond. Null: any number.
    std::shared_ptr<const AddressLimits> address_limits = nullptr;
    // Counts how often these bounds were met; null: nothing does.
    BoundCounters* counters = nullptr;
    // Null: no access log.
    std::shared_ptr<LogFile> access_log = nullptr;
    // Makes the contents of /-/status and /-/metrics; called from any thread, must not block. Null: both are 404.
    std::function<ServerReport()> report = nullptr;
    // Whether the server is about to stop, or stops, for /-/ready; called from any thread. Null: it never does.
    std::function<bool()> will_stop = nullptr;
    // Send NAME.br, NAME.zst or NAME.gz instead of NAME to clients that accept it. Costs up to three lookups a request.
    bool precompressed = false;
    // Requests for other hosts are answered with 421 (RFC 9110, section 15.5.20).
    HttpAllowedHosts allowed_hosts;
    // Any client may have stored a page. With this, browsers give each page an origin of its own, so that its scripts
    // cannot act with the rights of the server's own origin, such as speak in the chat.
    bool sandboxes_pages = false;
    // Makes the line-based session behind /-/chat, for a client at this address that may join with these permissions;
    // called from any thread. Null: there is no chat.
    std::function<std::unique_ptr<Session>(absl::string_view address, const Permissions& permissions)> chat = nullptr;
    // The servers that /-/relay may ask. Null: none.
    std::shared_ptr<const RelayTargets> relay = nullptr;
    // Gets the files that the library lacks from another server; the library has copies then. Null: there is none.
    std::shared_ptr<const FileFetcher> fetcher = nullptr;
    // Who may do what. Null: everyone may do everything.
    std::shared_ptr<const Access> access = nullptr;
    // The addresses that get the server's own pages; all by default.
    AddressSet admin_from;
  };

  // The least content that must arrive in each request_timeout: 512 bytes a second at the default, slower than any
  // usable network.
  static constexpr int64_t kMinContentBytes = 10 * 1024;

  // `clock` is a parameter for tests.
  HttpSite(std::shared_ptr<const Library> library, MediaTypes types, Options options, Clock clock = &SystemClock);

  const Library& library() const { return *library_; }
  const std::shared_ptr<const Library>& shared_library() const { return library_; }
  const MediaTypes& types() const { return types_; }
  const Options& options() const { return options_; }

  // Whether some requests are not for everyone; see HttpAuthorization.
  bool is_restricted() const { return options_.access != nullptr || !options_.admin_from.has_all(); }

  // Whether an address may have a limited number of requests only.
  bool limits_rate() const { return options_.address_limits != nullptr && options_.address_limits->has_rate(); }

  HttpReplyCache& reply_cache() const { return *reply_cache_; }

  // "Allow: ...\r\n": the methods that the server offers; without PUT if the library is read-only. A 405 must have it
  // (RFC 9110, section 15.5.6). Static storage.
  absl::string_view AllowLine() const;

  // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" (RFC 9110, section 6.6.1): the current time, formatted once a second for
  // each thread. Valid until this thread calls one of these functions again.
  absl::string_view DateLine() const;
  // The date in that line.
  absl::string_view Date() const;

  // The earlier of `time` and the current Date, in seconds since 1970: Last-Modified must not be later than Date (RFC
  // 9110, section 8.8.2.1). Reads the clock only if `time` is later than the last Date of this thread; the Date of a
  // reply that is begun after this call is never earlier than the result.
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
