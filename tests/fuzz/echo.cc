// echo: what comes goes back.
#include "protocol/echo.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/fuzz/any_cut.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  polyserve::CheckAnyCut([] { return std::make_unique<polyserve::EchoSession>(); }, data, size, 0);
  return 0;
}
