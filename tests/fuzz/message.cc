// message: its replies depend on the pieces by design, so there is only the bound to check.
#include "protocol/message.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/fuzz/any_cut.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  polyserve::CheckOneCut([] { return std::make_unique<polyserve::MessageSession>(); }, data, size, 0);
  return 0;
}
