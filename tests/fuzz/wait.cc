// wait: lines, whose waits take no time here.
#include "protocol/wait.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/fuzz/any_cut.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  polyserve::CheckAnyCut([] { return std::make_unique<polyserve::WaitSession>(); }, data, size,
                         polyserve::WaitSession::kMaxLineBytes);
  return 0;
}
