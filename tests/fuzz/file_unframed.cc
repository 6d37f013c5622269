// file_unframed: commands that come in any pieces, with no silence but the one at the end; see
// protocol/file_unframed_test.cc for the others.
#include "protocol/file_unframed.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "tests/fuzz/any_cut.h"
#include "tests/fuzz/sample_root.h"

namespace {

using polyserve::FileUnframedSession;
using polyserve::SampleRoot;

const polyserve::Library::Options kReadOnly = {.read_only = true};
const polyserve::Library::Options kWritable = {.max_file_bytes = 100'000};
constexpr int kRunsPerRoot = 1000;  // Then there are many files in it.

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SampleRoot read_root;
  polyserve::CheckAnyCut([] { return std::make_unique<FileUnframedSession>(read_root.Open(kReadOnly)); }, data, size,
                         0);
  static std::optional<SampleRoot> written_root;
  static int runs = 0;
  if (runs++ % kRunsPerRoot == 0) written_root.emplace();
  polyserve::CheckOneCut([] { return std::make_unique<FileUnframedSession>(written_root->Open(kWritable)); }, data,
                         size, 0);
  return 0;
}
