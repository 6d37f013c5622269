// FetchFixture: the process that fetches files, as a server starts it, over a library in a temporary directory, and the
// other server, with which the test can do what it likes.
//
//   TEST_F(FetchProcessTest, ...) { origin_.ServeFile("/pub/a", "one"); Start(); EXPECT_EQ(Ask("a"), "200 \n"); }
#ifndef POLYSERVE_FETCH_FETCH_FIXTURE_H_
#define POLYSERVE_FETCH_FETCH_FIXTURE_H_

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/bound_counters.h"
#include "base/unique_fd.h"
#include "fetch/fetch_loop.h"
#include "fetch/fetch_process.h"
#include "fetch/origin_fetch.h"
#include "fetch/process_fetcher.h"
#include "files/library.h"
#include "files/quota.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "protocol/file_fetch.h"
#include "tests/http_origin.h"
#include "tests/scratch.h"

namespace polyserve {

// Whoever asks behind a fetch finds its result fresh, and needs none.
inline const Origin kFresh = {.timeout = absl::Seconds(100), .fresh = absl::Seconds(100)};

// As a driver asks: a stream, a line, and what comes back.
class Asker {
 public:
  Asker(const FileFetcher& fetcher, absl::string_view name) {
    absl::StatusOr<UniqueFd> stream = fetcher.Connect();
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) return;
    stream_ = *std::move(stream);
    const std::string line = absl::StrCat(name, "\n");
    EXPECT_EQ(::send(stream_.get(), line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
  }

  // Blocks until the stream ends: the process has always an answer in the end.
  std::string Answer() {
    std::string answer;
    char bytes[1024];
    for (ssize_t count; (count = ::recv(stream_.get(), bytes, sizeof(bytes), 0)) > 0;) {
      answer.append(bytes, static_cast<size_t>(count));
    }
    return answer;
  }

 private:
  UniqueFd stream_;
};

class FetchFixture : public testing::Test {
 protected:
  // Nothing is fresh by default, so that each question reaches the other server.
  void Start(Origin terms = {.timeout = absl::Seconds(100), .fresh = absl::ZeroDuration()}, int64_t max_bytes = 0) {
    terms.at = *Endpoint::Parse(origin_.address());
    terms.host = origin_.address();
    terms.prefix = "/pub";
    if (max_bytes > 0) terms.max_file_bytes = max_bytes;
    origin_.Stop();
    if (library_ == nullptr) library_ = *Library::Open(root_.path(), {.quota = quota_, .has_copies = true});
    absl::StatusOr<std::unique_ptr<FetchProcess>> process =
        FetchProcess::Start({.library = library_,
                             .origin = std::make_shared<const Origin>(terms),
                             .max_copied_bytes = max_bytes,
                             .max_copies = max_copies_});
    ASSERT_TRUE(process.ok()) << process.status();
    process_ = *std::move(process);
    fetcher_.ReachBy(process_->TakeRequestFd());
    origin_.Start();
  }
  ~FetchFixture() override { fetcher_.ReachBy(UniqueFd()); }
  // So that it can be started once more.
  void End() {
    fetcher_.ReachBy(UniqueFd());
    process_ = nullptr;
    library_ = nullptr;
  }

  // The clock of the file system ticks every few milliseconds, and by it an order among copies is known.
  void AwaitLaterTimeThan(absl::string_view name) {
    const int64_t before = library_->Find(name)->touched;
    do {
      root_.Write("later", "");
    } while (library_->Find("later")->touched <= before);
    ASSERT_EQ(::unlink(root_.PathOf("later").c_str()), 0);
  }

  std::string Ask(absl::string_view name) { return Asker(fetcher_, name).Answer(); }

  Scratch root_;
  HttpOrigin origin_;
  size_t max_copies_ = FetchOptions().max_copies;
  std::atomic<int64_t> used_ = 0;  // Each process counts its own here, and one alone stores.
  BoundCounters counters_ = {};
  std::shared_ptr<const LibraryQuota> quota_ = nullptr;
  std::shared_ptr<const Library> library_;
  std::unique_ptr<FetchProcess> process_;
  ProcessFetcher fetcher_;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_FETCH_FIXTURE_H_
