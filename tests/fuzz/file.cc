// file: a library that is read answers the same however the commands are cut; one that is written to takes anything.
#include "protocol/file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "tests/fuzz/any_cut.h"
#include "tests/fuzz/sample_root.h"

namespace {

using polyserve::FileSession;
using polyserve::SampleRoot;

const polyserve::Library::Options kReadOnly = {.read_only = true};
const polyserve::Library::Options kWritable = {.max_file_bytes = 100'000};
constexpr int kRunsPerRoot = 1000;  // Then there are many files in it.

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SampleRoot read_root;
  polyserve::CheckAnyCut([] { return std::make_unique<FileSession>(read_root.Open(kReadOnly)); }, data, size,
                         FileSession::kMaxLineBytes);
  static std::optional<SampleRoot> written_root;
  static int runs = 0;
  if (runs++ % kRunsPerRoot == 0) written_root.emplace();
  polyserve::CheckOneCut([] { return std::make_unique<FileSession>(written_root->Open(kWritable)); }, data, size,
                         FileSession::kMaxLineBytes);
  return 0;
}
