// http: a library that is read answers the same however the requests are cut; one that is written to takes anything.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/http/chunks.h"
#include "protocol/http/head_finder.h"
#include "protocol/http/media_types.h"
#include "protocol/http/session.h"
#include "protocol/http/site.h"
#include "tests/fuzz/any_cut.h"
#include "tests/fuzz/sample_root.h"

namespace {

using polyserve::HttpSession;
using polyserve::HttpSite;
using polyserve::SampleRoot;

const polyserve::Library::Options kReadOnly = {.read_only = true};
const polyserve::Library::Options kWritable = {.max_file_bytes = 100'000};
constexpr int kRunsPerRoot = 1000;  // Then there are many files in it.
constexpr size_t kMostUnconsumed =
    std::max(polyserve::HttpHeadFinder::kMaxHeadBytes, polyserve::HttpChunks::kMaxLineBytes);

std::unique_ptr<HttpSession> MakeSession(const SampleRoot& root, const polyserve::Library::Options& options) {
  HttpSite::Options site_options;
  site_options.precompressed = true;
  return std::make_unique<HttpSession>(
      std::make_shared<const HttpSite>(root.Open(options), polyserve::MediaTypes::Parse("text/html html\n"),
                                       site_options, [] { return int64_t{784111777}; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SampleRoot read_root;
  polyserve::CheckAnyCut([] { return MakeSession(read_root, kReadOnly); }, data, size, kMostUnconsumed);
  static std::optional<SampleRoot> written_root;
  static int runs = 0;
  if (runs++ % kRunsPerRoot == 0) written_root.emplace();
  polyserve::CheckOneCut([] { return MakeSession(*written_root, kWritable); }, data, size, kMostUnconsumed);
  return 0;
}
