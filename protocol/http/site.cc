#include "protocol/http/site.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/http/date.h"

namespace polyserve {

namespace {

struct LastDate {
  // No time is before this, so a thread's first call makes the line.
  int64_t second = INT64_MIN;
  std::string line;
};

// One for each thread, so that nothing needs a lock. Sites share it: the date is the same for all.
thread_local LastDate last_date;

}  // namespace

HttpSite::HttpSite(std::shared_ptr<const Library> library, MediaTypes types, Options options, Clock clock)
    : library_(std::move(library)),
      types_(std::move(types)),
      options_(std::move(options)),
      reply_cache_(std::make_unique<HttpReplyCache>()),
      clock_(clock) {}

// time(2) reads a word that the kernel keeps up to date, through the vDSO: no system call, some nanoseconds.
int64_t HttpSite::SystemClock() { return ::time(nullptr); }

absl::string_view HttpSite::AllowLine() const {
  return library_->options().read_only ? "Allow: GET, HEAD, OPTIONS\r\n" : "Allow: GET, HEAD, OPTIONS, PUT\r\n";
}

absl::string_view HttpSite::DateLine() const {
  const int64_t now = clock_();
  // Unequal, not less: the clock may be set back, and the date has to follow.
  if (last_date.second != now) last_date = {now, absl::StrCat("Date: ", FormatHttpDate(now), "\r\n")};
  return last_date.line;
}

// A file may have a date in the future: its owner can set any mtime, and a file server's clock may be ahead. Nearly
// every file is older than the last Date, and then the clock is not read. For a file of the future Last-Modified is too
// early, so a client that asks with If-Modified-Since gets it again each time: that errs on the safe side.
int64_t HttpSite::NotAfterDate(int64_t time) const {
  if (time > last_date.second) DateLine();
  return std::min(time, last_date.second);
}

absl::string_view HttpSite::Date() const {
  absl::string_view line = DateLine();
  line.remove_prefix(sizeof("Date: ") - 1);
  line.remove_suffix(sizeof("\r\n") - 1);
  return line;
}

}  // namespace polyserve
