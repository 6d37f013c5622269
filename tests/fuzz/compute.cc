// compute: lines, whose numbers are kept small so that the fuzzer does not wait for primes.
#include "protocol/compute.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/fuzz/any_cut.h"

namespace {

// Larger numbers are refused, so that they cost nothing; those between are left out.
constexpr size_t kMostDigits = 3;
constexpr size_t kRefusedDigits = 12;

bool IsQuick(const uint8_t* data, size_t size) {
  size_t digits = 0;
  for (size_t i = 0; i < size; ++i) {
    const bool is_digit = std::isdigit(data[i]) != 0;
    if (!is_digit && digits > kMostDigits && digits < kRefusedDigits) return false;
    digits = is_digit ? digits + 1 : 0;
  }
  return digits <= kMostDigits || digits >= kRefusedDigits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (!IsQuick(data, size)) return 0;
  polyserve::CheckAnyCut([] { return std::make_unique<polyserve::ComputeSession>(); }, data, size,
                         polyserve::ComputeSession::kMaxLineBytes);
  return 0;
}
