// tftp: any packets, in any order, with time passing between them, leave the session within its bounds and the root
// whole. The input is a row of packets, each behind a byte that tells its length; length 0 is time that passes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tftp/options.h"
#include "protocol/tftp/session.h"
#include "tests/fuzz/sample_root.h"

namespace {

using polyserve::Input;
using polyserve::Output;
using polyserve::SampleRoot;
using polyserve::TftpSession;
using polyserve::TftpTerms;
using polyserve::TftpWrites;

const polyserve::Library::Options kWritable = {.max_file_bytes = 100'000};
constexpr int kRunsPerRoot = 1000;  // Then there are many files in it.

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::optional<SampleRoot> root;
  static int runs = 0;
  if (runs++ % kRunsPerRoot == 0) root.emplace();
  TftpSession session(root->Open(kWritable), TftpWrites::kAll);
  Output output(Output::Kind::kDatagrams);
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty() && !output.closing()) {
    const size_t length = std::min<size_t>(static_cast<uint8_t>(rest[0]), rest.size() - 1);
    Input input(rest.substr(1, length));
    rest.remove_prefix(1 + length);
    output.Clear();
    length == 0 ? session.OnTime(output) : session.OnInput(input, output);
    constexpr int64_t kMost = TftpTerms::kMaxWindowBytes + 4 * TftpTerms::kMaxWindow;
    CHECK_LE(output.unsent_bytes(), kMost);
  }
  return 0;
}
